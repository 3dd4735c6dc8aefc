"""What happens when many ask at once. Only PostgreSQL shows it; SQLite has one writer at a time."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import IntegrityError, connection, connections, transaction

from accounts.models import User
from billing import ledger
from billing.models import CreditTransaction
from billing.queries import balance_of, imbalances
from dubber.errors import UserError
from tests import make

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("adds_up"),
]

REPETITIONS = 20

Answer = CreditTransaction | UserError
Act = Callable[[int], CreditTransaction]


def all_at_once(many: int, acts: Sequence[Act]) -> list[list[Answer]]:
    """Do each act in `many` threads that start it together; give its answers, act by act."""
    start = Barrier(many)

    def one(number: int) -> list[Answer]:
        try:
            return [answer(act, number) for act in acts]
        finally:
            connections.close_all()

    def answer(act: Act, number: int) -> Answer:
        connection.ensure_connection()
        start.wait(timeout=30)
        try:
            return act(number)
        except UserError as error:
            return error

    with ThreadPoolExecutor(many) as threads:
        return [list(answers) for answers in zip(*threads.map(one, range(many)), strict=True)]


def accepted(answers: list[Answer]) -> list[CreditTransaction]:
    """The entries among the answers."""
    return [answer for answer in answers if isinstance(answer, CreditTransaction)]


def charge(user: User) -> Act:
    """The act of charging for one job; every number is another job."""
    return lambda number: ledger.charge(
        user, credits=7, reference=f"{user.pk}:{number}", description="Spanish"
    )


def test_of_forty_charges_on_credits_for_one_exactly_one_is_accepted() -> None:
    users = [make.user(credits=7) for _ in range(REPETITIONS)]

    rounds = all_at_once(40, [charge(user) for user in users])

    assert [len(accepted(answers)) for answers in rounds] == [1] * REPETITIONS
    assert [balance_of(user) for user in users] == [0] * REPETITIONS
    assert imbalances() == []


def test_one_charge_said_forty_times_at_once_is_one_charge() -> None:
    user = make.user(credits=100)

    [answers] = all_at_once(40, [lambda _number: charge(user)(0)])

    assert len(accepted(answers)) == 40
    assert len({entry.pk for entry in accepted(answers)}) == 1
    assert balance_of(user) == 93


def test_a_refund_said_twice_at_once_comes_back_once() -> None:
    user = make.user(credits=7)
    charges = [
        ledger.charge(user, credits=1, reference=f"job:{number}", description="Spanish")
        for number in range(7)
    ]

    all_at_once(2, [refund(user, entry.reference) for entry in charges])

    assert balance_of(user) == 7
    assert imbalances() == []


def refund(user: User, reference: str) -> Act:
    """The act of giving one credit back."""
    return lambda _number: ledger.refund(
        user, credits=1, reference=reference, description="Spanish failed"
    )


def test_the_first_credits_of_a_person_arrive_once_from_many_roads() -> None:
    users = [make.user() for _ in range(REPETITIONS)]

    all_at_once(8, [welcome(user) for user in users])

    assert [balance_of(user) for user in users] == [20] * REPETITIONS


def welcome(user: User) -> Act:
    """The act of granting a newcomer's credits."""
    return lambda _number: ledger.grant(
        user, credits=20, reference=f"welcome:{user.pk}", reason="Welcome", by=None
    )


@pytest.mark.parametrize("statement", ["UPDATE {} SET amount = 9", "DELETE FROM {}"])
def test_postgresql_itself_refuses_to_touch_an_entry(statement: str) -> None:
    make.user(credits=7)
    table = CreditTransaction._meta.db_table

    with (
        pytest.raises(IntegrityError, match="never changed or deleted"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement.format(table))

    assert CreditTransaction.objects.get().amount == 7
