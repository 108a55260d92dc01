"""Byte-level BPE, as GPT-2 uses it: merges in their order over the bytes of each word."""

import re

from template import added_token

# Python's re has no \p{L}: letters are word characters without digits and _.
GPT2_WORD = re.compile(r"'(?:s|t|re|ve|m|ll|d)| ?[^\W\d_]+| ?\d+| ?(?:[^\s\w]|_)+|\s+(?!\S)|\s+")
CORPUS = "the lazy dog and the quick fox, hello world, hello there, they'll don't café naïve the the"


def byte_alphabet():
    kept = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in kept]
    return {byte: chr(byte) for byte in kept} | {byte: chr(256 + i) for i, byte in enumerate(others)}


BYTES = byte_alphabet()


def words_of(text):
    return [[BYTES[byte] for byte in word.encode("utf-8")] for word in GPT2_WORD.findall(text)]


def merge(word, pair):
    merged, i = [], 0
    while i < len(word):
        both = tuple(word[i : i + 2]) == pair
        merged.append("".join(pair) if both else word[i])
        i += 2 if both else 1
    return merged


def learn_merges(count):
    words, merges = words_of(CORPUS), []
    for _ in range(count):
        pairs = [pair for word in words for pair in zip(word, word[1:])]
        if not pairs:
            break
        best = max(sorted(set(pairs)), key=pairs.count)
        merges.append(best)
        words = [merge(word, best) for word in words]
    return merges


MERGES = learn_merges(40)
VOCABULARY = ["<s>", "</s>", *BYTES.values(), *("".join(pair) for pair in MERGES)]


def bpe(word):
    while True:
        known = [pair for pair in zip(word, word[1:]) if pair in MERGES]
        if not known:
            return word
        word = merge(word, min(known, key=MERGES.index))


def ids(text):
    tokens = [token for word in words_of(text) for token in bpe(word)]
    return [VOCABULARY.index(token) for token in ["<s>", *tokens, "</s>"]]


def definition():
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [added_token(0, "<s>"), added_token(1, "</s>")],
        "normalizer": None,
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True},
        "post_processor": {
            "type": "RobertaProcessing",
            "sep": ["</s>", 1],
            "cls": ["<s>", 0],
            "trim_offsets": True,
            "add_prefix_space": False,
        },
        "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "vocab": {token: i for i, token in enumerate(VOCABULARY)},
            "merges": [" ".join(pair) for pair in MERGES],
        },
    }
