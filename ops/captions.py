"""Rewriting captions to name a mask's label: "a wooden bench" + "table" -> "a wooden table".

Where captions and labels come from, and what vectors they get, is decided elsewhere.
"""

import re

# words that end a noun phrase: what follows says where the thing is or what it does, not what it is
_AFTER_NOUN = re.compile(
    "of|in|on|at|by|to|from|with|without|near|under|over|above|below|behind|beside|between|inside|against|for|"
    "that|which|who|is|are|was|were|has|have|and|or|while|next|hanging|sitting|standing|lying|leaning|parked|"
    "placed|mounted|attached|covered|filled|made|,"
)
_MEASURE = re.compile("pair|piece|set|bunch|group|row|stack|pile|kind|type|part")
_CONSONANT_SOUND = re.compile(r"(?:uni(?!n|m)|us[aeiu]|ute|uti|eu|ewe|one(?![a-z])|once)", re.IGNORECASE)
_VOWEL_SOUND = re.compile(r"(?:[aeiou]|hour|honest|heir|honou?r|x-|8|11|18)", re.IGNORECASE)


def indefinite_article(phrase: str) -> str:
    """``a`` or ``an`` for the word that a phrase starts with, by how it sounds.

    >>> [indefinite_article(word) for word in ("table", "orange chair", "used sofa", "hourglass")]
    ['a', 'an', 'a', 'an']
    """
    word = phrase.strip()
    return "an" if _VOWEL_SOUND.match(word) and not _CONSONANT_SOUND.match(word) else "a"


def caption_of_label(label: str) -> str:
    """The shortest caption of a label.

    >>> caption_of_label("armchair")
    'an armchair'
    """
    return f"{indefinite_article(label)} {label}"


def replace_head_noun(caption: str, label: str) -> str:
    """The caption with its head noun replaced by ``label`` (SAS, model alignment via text).

    The head noun is taken to be the last word before the first preposition, verb or comma; "a pair of red
    shoes" counts as "red shoes". Adjectives and what follows the noun stay. The article in front agrees with
    the new word after it. A caption without a noun becomes the label with an article. Compound nouns lose
    their last word only, as no part of speech is known ("a coffee table" + "desk" -> "a coffee desk").

    >>> replace_head_noun("a wooden bench", "table")
    'a wooden table'
    >>> replace_head_noun("A red bowl on the counter", "sink")
    'a red sink on the counter'
    """
    words = caption.replace(",", " , ").lower().rstrip(" .").split()
    start = 1 if words[:1] and words[0] in ("a", "an", "the") else 0
    if len(words) > start + 2 and words[start + 1] == "of" and _MEASURE.fullmatch(words[start]):
        words = ["a", *words[start + 2 :]]
        start = 1
    end = start
    while end < len(words) and not _AFTER_NOUN.fullmatch(words[end]):
        end += 1
    if end == start:
        return caption_of_label(label)
    phrase = " ".join([*words[start : end - 1], label, *words[end:]]).replace(" ,", ",")
    article = "the" if words[0] == "the" else indefinite_article(phrase)
    return f"{article} {phrase}" if start else phrase
