"""The operator that asks a person: what it offers, and how it reads Airflow's answer."""

from datetime import UTC, datetime, timedelta

import pytest
from airflow.sdk import DAG, Param

from aerodag.airflow.operators.review import ReviewOperator, answer_of
from aerodag.pipeline.answers import Answer, Option
from aerodag.settings import get_settings

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)


def event(option="Accept", *, fields=None, user=None, **more):
    return {"chosen_options": [option], "params_input": fields, "responded_at": AT, "responded_by_user": user} | more


def test_it_has_a_form_and_a_time_limit_of_its_own():
    shared = {"execution_timeout": timedelta(hours=1), "retries": 3}
    with DAG(dag_id="a", schedule=None, params={"preset": Param("standard")}, default_args=shared):
        operator = ReviewOperator(task_id="review", retries=10)
    assert operator.options == ["Accept", "Reject images", "Abort"]
    assert set(operator.serialized_params) == {"images", "note"}
    assert operator.response_timeout == timedelta(hours=get_settings().review.hours)
    assert operator.execution_timeout == timedelta(hours=1)
    assert (operator.retries, operator.trigger_rule) == (10, "none_failed")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, ()),
        ([], ()),
        (["a.JPG", " b.JPG ", "", "a.JPG"], ("a.JPG", "b.JPG")),
        ("a.JPG\r\nflight2/*\n\n", ("a.JPG", "flight2/*")),
        ([7], ("7",)),
        (7, ("7",)),
    ],
)
def test_images_come_as_a_list_or_as_lines(given, expected):
    assert answer_of(event("Reject images", fields={"images": given})).images == expected


@pytest.mark.parametrize(
    ("user", "by"),
    [
        (None, None),
        ({"id": "anna", "name": "anna"}, "anna"),
        ({"id": "17", "name": "Anna K."}, "Anna K. (17)"),
        ({"id": "17", "name": None}, "17"),
    ],
)
def test_who_answered_is_name_and_id(user, by):
    assert answer_of(event(user=user)).by == by


def test_the_default_says_so():
    defaulted = answer_of(event("Abort", fields={"images": None, "note": None}, timedout=True))
    assert defaulted == Answer(option=Option.ABORT, at=AT, by_default=True)


def test_words_are_kept_and_blank_ones_are_none():
    assert answer_of(event(fields={"note": " too dark "})).note == "too dark"
    assert answer_of(event(fields={"note": "  "})).note is None


def test_an_answer_that_was_not_offered_is_refused():
    with pytest.raises(ValueError, match="Maybe"):
        answer_of(event("Maybe"))
