"""The plan: what OpenDroneMap shall do with a survey, and how it starts, resumes and changes after a failure."""
