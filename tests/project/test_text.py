"""A text of the reader's own in place of the names: read, checked, kept apart from the book's results."""

import sys

import pytest

from notebook import ROOT

sys.path.append(str(ROOT / "experiments"))

import reach
import run
import text

SETTING = {"n_texts": 20, "p": {}, "steps": 2, "lr": 0.01, "every": 1, "n_seeds": 2}
NAMES = {"lr": 0.01, "seed": 0, "width": 8, "n_train": 20, "batch_size": 10, "epochs": 1, "longest": 10}


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A file of 50,000 Greek letters in words, which DROPOUT_TEXT names."""
    letters, state = "αβγδεζηθικλμνξοπ  \n", 1
    written = []
    for _ in range(50_000):
        state = state * 1103515245 + 12345 & 0x7FFFFFFF
        written.append(letters[(state >> 16) % len(letters)])
    path = tmp_path / "own.txt"
    path.write_text("\ufeff" + "".join(written), encoding="utf-8")
    monkeypatch.setenv("DROPOUT_TEXT", str(path))
    return path


def test_pieces_follow_one_another_and_differ():
    assert text.pieces("abcdabefgh", 2, 1) == ["ab", "cd", "ef", "gh"]
    assert text.pieces("abcde", 2, 1) == ["ab", "cd"]
    with pytest.raises(ValueError, match="2 different pieces of 2 letters, 3 are needed"):
        text.pieces("abababcd", 2, 3)


def test_the_chapters_models_read_it(own):
    told = run.job("07-transformer", "text_study", SETTING, run.plan("stress/transformer"))
    space = {}
    exec(told["code"], space)
    text.put_into(space, told["text"])
    assert len(space["ALPHABET"]) == 18 and set(space["ALPHABET"]) == set("\n αβγδεζηθικλμνξοπ")
    assert all(piece in told["text"] and len(piece) == space["LENGTH"] for piece in space["TEXTS"])
    row = run.work(told)
    assert all(1 < loss < 5 for loss in row["result"]["stopped loss"]) and row["code"] == told["hash"]


def test_the_lstm_reads_it(own):
    told = run.job("replications.py", "letter_lstm", NAMES, run.plan("replicate/gal2016"))
    space = {}
    exec(told["code"], space)
    text.put_into(space, told["text"])
    texts, letters = space["names"](10)
    assert letters == 18 and texts.shape[1] == 12 and not texts[:, [0, -1]].any() and texts[:, 1:-1].min() == 1
    assert 5 < run.work(told)["result"]["val_perplexity"][0] < 40


def test_its_results_lie_apart_and_are_its_own(own, monkeypatch):
    ours = run.place("stress/transformer"), run.code_of("07-transformer", "text_study")
    assert ours[0].relative_to(run.PLANS / "results").parts[0] == "own" and run.rows("stress/transformer") == []
    assert run.place("stress/widths") == run.PLANS / "results" / "stress" / "widths.json"  # which reads no text
    assert "text" not in run.job("05-mlp", "mlp_arm", {})
    own.write_text("another " + own.read_text(encoding="utf-8"), encoding="utf-8")
    assert run.place("stress/transformer") != ours[0] and run.code_of("07-transformer", "text_study") != ours[1]
    monkeypatch.delenv("DROPOUT_TEXT")
    assert run.place("stress/transformer") == run.PLANS / "results" / "stress" / "transformer.json"


@pytest.mark.parametrize(("content", "said"), [
    (None, "cannot be read"), (b"\xff\xfe\x00", "is not UTF-8"), (b" \n", "is empty"),
])  # fmt: skip
def test_what_cannot_be_read_is_one_sentence(own, monkeypatch, capsys, content, said):
    own.unlink() if content is None else own.write_bytes(content)
    monkeypatch.setattr(sys, "argv", ["run.py", "stress/transformer"])
    with pytest.raises(SystemExit) as stopped:
        run.main()
    assert str(stopped.value) == f"dropout-book: DROPOUT_TEXT: {own} {said}"


def test_it_is_not_taken_for_the_books(own, monkeypatch):
    for module, argv, said in (
        (run, ["run.py", "stress/widths"], "nothing of what is to be run reads a text"),
        (reach, ["reach.py", "--store"], "the book's results are those on its own names"),
    ):
        monkeypatch.setattr(sys, "argv", argv)
        with pytest.raises(SystemExit, match=said):
            module.main()
