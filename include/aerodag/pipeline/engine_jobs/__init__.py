"""Engines that work outside Airflow: started once, watched, taken over after whatever happened, judged at their end."""
