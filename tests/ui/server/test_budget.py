"""Memory is given out at once or not, to nobody all of it, and always comes back."""

from segdemo.ui.server.budget import Budget


def test_what_was_taken_comes_back() -> None:
    budget = Budget(100)
    share = budget.share_of("")
    assert share.take(60)
    assert share.take(30)
    assert not share.take(11)
    assert budget.held == 90
    share.close()
    share.close()
    assert budget.held == 0


def test_a_client_gets_a_quarter_at_most() -> None:
    budget = Budget(100)
    shares = [budget.share_of(client) for client in ("a", "a", "b", "c", "d")]
    assert [share.take(25) for share in shares] == [True, False, True, True, True]
    assert not budget.share_of("e").take(1)
    shares[0].close()
    assert budget.share_of("e").take(25)
