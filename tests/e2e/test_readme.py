"""The way of a newcomer: every block of README.md that sets it up and uses it, as it stands, on a fresh machine."""


def test_readme_from_nothing_to_converged(newcomer):
    _, answers = newcomer
    assert "2 items on 2 minions: 2 converged" in answers["sudo salt-run approval.show 1"]
    check = next(answer for command, answer in answers.items() if command.startswith("salt-approval check"))
    assert ": 0 errors, " in check
