"""Unigram, as T5 uses it: the pieces with the highest sum of scores."""

import re

import numpy as np

from template import added_token, piece

VOCABULARY = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -2.0), ("s", -3.1)] + [
    (piece, -4.0 - 0.37 * i)
    for i, piece in enumerate(
        "▁the er ▁hello ▁world ▁un aff able ▁token ized ▁lazy ▁dog ▁and ▁quick ▁b rown ▁fox ▁j ump "
        "▁over ▁sleep ▁space ▁Caf é ▁dé jà ▁v u ▁na ï ve ▁te xt ▁don ' t ▁can ▁they ll , ! o l e h r w d a n k".split(" ")
    )
]
PIECES = dict(VOCABULARY[3:])
# An unknown character counts ten less than the worst piece, as in SentencePiece.
UNKNOWN_SCORE = min(PIECES.values()) - 10


def words_of(text):
    text = text.replace(" ", "▁")
    if text and not text.startswith("▁"):
        text = "▁" + text
    return re.findall(r"▁[^▁]*", text)


def pieces_of(word):
    best = [(0.0, [])] + [(-np.inf, [])] * len(word)
    for end in range(1, len(word) + 1):
        for start in range(end):
            piece = word[start:end]
            known = piece in PIECES
            if not known and end - start > 1:
                continue
            score = best[start][0] + (PIECES[piece] if known else UNKNOWN_SCORE)
            if score > best[end][0]:
                best[end] = (score, [*best[start][1], piece if known else "<unk>"])
    return best[-1][1]


def ids(text):
    names = [piece for piece, _ in VOCABULARY]
    ids = []
    for word in words_of(text):
        pieces = pieces_of(word)
        # Unknown characters beside each other are one token.
        ids += [names.index(p) for i, p in enumerate(pieces) if p != "<unk>" or pieces[i - 1 : i] != ["<unk>"]]
    return [*ids, names.index("</s>")]


def definition():
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [added_token(0, "<pad>"), added_token(1, "</s>"), added_token(2, "<unk>")],
        "normalizer": None,
        "pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [piece("Sequence", "A"), piece("SpecialToken", "</s>")],
            "pair": [],
            "special_tokens": {"</s>": {"id": "</s>", "ids": [1], "tokens": ["</s>"]}},
        },
        "decoder": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True},
        "model": {"type": "Unigram", "unk_id": 2, "vocab": [list(entry) for entry in VOCABULARY], "byte_fallback": False},
    }
