"""Who may do what: three roles, with Airflow's simple auth manager and with that of Flask-AppBuilder.

An uploader sees datasets and runs, uploads, and starts runs of ``process_dataset``. An operator does everything with
runs, tasks, pools and reviews, and sees no connections, variables or users. An administrator may do everything.
"""
