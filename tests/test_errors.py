import pickle

import pytest

from rrgraph.errors import DataError, OptionError, reason_of


def test_a_message_has_room_for_what_was_meant():
    """Input is quoted in messages, but not all of a long one."""
    assert str(DataError("There is no column 'x'.")) == "There is no column 'x'."
    said = str(DataError(f"There is no column '{'x' * 100_000}'. Did you mean 'y'?"))
    assert len(said) < 1600 and said.startswith("There is no column 'xxx") and said.endswith("Did you mean 'y'?")
    assert len(OptionError("stock", "y" * 100_000).on_command_line()) < 1600


def test_an_option_that_a_worker_process_refuses_stays_what_it_is():
    sent = pickle.loads(pickle.dumps(OptionError("top_k", " is 2000.")))
    assert isinstance(sent, OptionError) and sent.on_command_line() == "--top-k is 2000."


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ValueError("it is\n   so.\n"), "it is so"),
        (ValueError(), "ValueError"),
        (FileNotFoundError(2, "No such file", "secret.txt"), "No such file"),
        (OSError("full"), "full"),
    ],
)
def test_a_reason_fits_into_a_sentence(error, reason):
    assert reason_of(error) == reason
    assert len(reason_of(ValueError("x" * 999), most=100)) < 110
