"""Triggers a run of Aerodag and follows it: python client.py URL USER PASSWORD survey.zip [key=JSON ...]."""

import json
import re
import sys
import time
from pathlib import PurePath

import requests

base, user, password, source, *options = sys.argv[1:]
login = requests.post(f"{base}/auth/token", json={"username": user, "password": password}, timeout=30)
login.raise_for_status()
api = requests.Session()
api.headers["Authorization"] = f"Bearer {login.json()['access_token']}"

run_id = re.sub(r"[^A-Za-z0-9_.~:+-]", "_", PurePath(source).stem)  # the same id again is the same run
conf = {"source": source} | {key: json.loads(value) for key, _, value in (text.partition("=") for text in options)}
body = {"dag_run_id": run_id, "logical_date": None, "conf": conf}
asked = api.post(f"{base}/api/v2/dags/process_dataset/dagRuns", json=body, timeout=30)
if not asked.ok and asked.status_code != 409:  # 409: it was submitted before, and is followed
    sys.exit(asked.text)

while True:
    answer = api.get(f"{base}/aerodag/api/runs/{run_id}", timeout=30)
    if answer.status_code != 404:  # 404: Airflow has not begun with it
        answer.raise_for_status()
        run = answer.json()
        print(run["state"], run["step"] or "", run["percent"] or "", run["expected_end"] or "", flush=True)
        if run["ended"]:
            failed = run["state"] not in {"succeeded", "degraded"}
            sys.exit(f"{run['code']}: {run['message']} {run['advice']}" if failed else 0)
    time.sleep(5)
