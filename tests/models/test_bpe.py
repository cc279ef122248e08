"""The vocabulary: learned merges, and the same ids in open_clip and in transformers."""

import gzip

import numpy as np
import pytest

from models.text.bpe import (
    BPE_FILE,
    MERGES_FILE,
    VOCAB_FILE,
    byte_symbols,
    learn_merges,
    tokenizer_files,
    vocabulary,
)
from models.torchvision_operators import ensure
from ops.rooms import Piece
from ops.scale_captions import object_caption

CONTEXT = 24


@pytest.fixture(scope="module")
def texts():
    rng = np.random.default_rng(0)
    box = np.zeros((2, 3))
    pieces = [
        Piece("sofa", "sofa", "", "red", "leather", "large", 6, box),
        Piece("shower curtain", "shower curtain", "", "turquoise", "fabric", "", 7, box),
        Piece("otherfurniture", "trash can", "", "grey", "metal", "small", 8, box),
    ]
    return [object_caption(piece, "bathroom", rng).text for piece in pieces for _ in range(200)]


@pytest.fixture(scope="module")
def both(texts, tmp_path_factory):
    """The tokenizers of both libraries from one set of files."""
    ensure()
    import open_clip
    from transformers import CLIPTokenizer

    folder = tmp_path_factory.mktemp("tokenizer")
    for name, content in tokenizer_files(learn_merges(texts, 500), CONTEXT).items():
        (folder / name).write_bytes(content)
    ours = open_clip.SimpleTokenizer(bpe_path=str(folder / BPE_FILE), context_length=CONTEXT)
    return ours, CLIPTokenizer.from_pretrained(folder, local_files_only=True)


def test_merges_by_hand():
    # "ab" occurs 3 times (e w / o end), "b</w>" ends two words; ties go to the alphabet
    assert learn_merges(["aab ab", "ab"], 10) == [("a", "b</w>")]
    assert learn_merges(["abc abc", "abc"], 10) == [("a", "b"), ("ab", "c</w>")]
    assert learn_merges(["abc abc", "abc"], 1) == [("a", "b")]
    assert learn_merges(["abc"], 10) == []


def test_ids_follow_clips_order():
    words = vocabulary([("a", "b</w>")])
    assert len(words) == 256 + 256 + 1 + 2
    assert [words[t] for t in ("!", "!</w>", "ab</w>", "<|startoftext|>", "<|endoftext|>")] == [
        0,
        256,
        512,
        513,
        514,
    ]
    assert len(set(byte_symbols())) == 256


def test_the_same_texts_give_the_same_bytes(texts):
    first, again = (tokenizer_files(learn_merges(texts, 300), CONTEXT) for _ in range(2))
    assert first == again
    assert {BPE_FILE, MERGES_FILE, VOCAB_FILE} <= first.keys()
    assert gzip.decompress(first[BPE_FILE]).decode().startswith("#version")


def test_frequent_words_are_one_token(both, texts):
    ours, _ = both
    words = {word for text in texts for word in text.replace(",", " ").split()}
    assert {word for word in words if len(ours.encode(word)) == 1} >= {"sofa", "couch", "settee", "turquoise"}


def test_both_libraries_give_the_same_ids(both, texts):
    ours, theirs = both
    strange = ["", "  A Red   SOFA! ", "it's a tv, isn't it?", "naïve café 123", "zyzzyva", "a sofa " * 30]
    for text in [*texts[:100], *strange]:
        tokens = ours([text])[0].tolist()
        tokens = tokens[: tokens.index(ours.eot_token_id) + 1]
        assert tokens == theirs(text, truncation=True)["input_ids"], text
    assert theirs.model_max_length == CONTEXT
    assert theirs.vocab_size == ours.vocab_size
    assert theirs.pad_token_id == theirs.eos_token_id == ours.eot_token_id
