"""Commands on the ledger's records: how datasets and runs are, what is put away, who is told of what."""

from __future__ import annotations

import argparse
import dataclasses
import json

from rich.console import Console
from rich.table import Table

from aerodag.cli.arguments import Commands
from aerodag.cli.ledger import database_url
from aerodag.settings import get_settings


def add_to(commands: Commands) -> None:
    """Add the commands of this module."""
    status = commands.add_parser("status", help="the datasets of the ledger and how they are")
    status.set_defaults(command=_status)

    report = commands.add_parser("report", help="queue, failures, durations, storage and other figures of the ledger")
    report.add_argument("name", help="queue, stuck, failures, success_rate, ...; another name lists them all")
    report.add_argument("--days", type=int, help="how many days to look back")
    report.add_argument("--minutes", type=int, help="stuck: without progress since so many minutes")
    report.add_argument("--places", type=int, help="queue: how many engines work at once")
    report.add_argument("--json", action="store_true", help="print it as JSON")
    report.set_defaults(command=_report)

    checks = commands.add_parser("checks", help="how a run fared in the data-quality checks")
    checks.add_argument("run_id", type=int, help="the ledger's number of the run")
    checks.add_argument("--json", action="store_true", help="print them as JSON")
    checks.set_defaults(command=_checks)

    archive = commands.add_parser("archive", help="put a dataset away; its files stay, its upload may come again")
    archive.add_argument("dataset_id", type=int, help="the ledger's number of the dataset")
    archive.set_defaults(command=_archive)
    _add_notify(commands.add_parser("notify", help="who is told of what, by e-mail or webhook"))


def _add_notify(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(required=True, metavar="ACTION", dest="action")
    subscribe = actions.add_parser("subscribe", help="tell an e-mail address or a webhook's URL of events")
    subscribe.add_argument("--owner", help="only of this owner's datasets; of everything when not given")
    subscribe.add_argument("--events", nargs="+", default=[], metavar="EVENT", help="run.failed, disk.warning ...")
    unsubscribe = actions.add_parser("unsubscribe", help="tell it nothing more")
    test = actions.add_parser("test", help="send a test message to a subscriber, now")
    for action in (subscribe, unsubscribe, test):
        action.add_argument("address", help="an e-mail address, or an http or https URL")
    actions.add_parser("list", help="the subscriptions, and what became of their notifications")
    parser.set_defaults(command=_notify)


def _status(_: argparse.Namespace, console: Console) -> int:
    from aerodag import ledger

    table = Table()
    with ledger.connect(database_url(get_settings())) as conn:
        cursor = conn.execute(ledger.query("dataset_overview"))
        for column in cursor.description or ():
            table.add_column(column.name, overflow="fold")
        for row in cursor:
            table.add_row(*("" if value is None else str(value) for value in row))
    console.print(table)
    return 0


def _report(options: argparse.Namespace, console: Console) -> int:
    from aerodag import ledger
    from aerodag.ledger.terminal import report_table

    given = {
        name: getattr(options, name) for name in ("days", "minutes", "places") if getattr(options, name) is not None
    }
    with ledger.connect(database_url(get_settings())) as conn:
        report = ledger.make_report(conn, options.name, **given)
    if options.json:
        console.print(json.dumps(report.records, indent=2), markup=False, soft_wrap=True)
    else:
        console.print(report_table(report))
    return 0


def _checks(options: argparse.Namespace, console: Console) -> int:
    from aerodag import ledger
    from aerodag.ledger.terminal import checks_table

    with ledger.connect(database_url(get_settings())) as conn:
        ledger.get_run(conn, run_id=options.run_id)
        results = ledger.run_checks(conn, run_id=options.run_id)
    if options.json:
        rows = [dataclasses.asdict(result) for result in results]
        console.print(json.dumps(rows, indent=2, default=str), markup=False, soft_wrap=True)
    elif results:
        console.print(checks_table(results))
    else:
        console.print("The run was not judged yet.")
    return 1 if any(result.verdict == "fail" for result in results) else 0


def _archive(options: argparse.Namespace, console: Console) -> int:
    from aerodag import ledger

    with ledger.connect(database_url(get_settings())) as conn:
        ledger.archive_dataset(conn, dataset_id=options.dataset_id)
    console.print(f"dataset {options.dataset_id} is archived")
    return 0


def _notify(options: argparse.Namespace, console: Console) -> int:
    from aerodag import ledger
    from aerodag.local import subscriptions

    settings = get_settings()
    with ledger.connect(database_url(settings)) as conn:
        if options.action == "list":
            console.print(subscriptions.overview(conn))
        elif options.action == "test":
            subscriptions.test(conn, settings, options.address)
            console.print("sent")
        elif options.action == "unsubscribe":
            subscriptions.unsubscribe(conn, options.address)
            console.print("unsubscribed")
        else:
            made = subscriptions.subscribe(conn, options.address, options.events, options.owner)
            console.print(f"subscribed to {', '.join(made.events)}", soft_wrap=True)
            if made.secret:
                console.print(f"the key that signs what it gets: {made.secret}", markup=False, soft_wrap=True)
    return 0
