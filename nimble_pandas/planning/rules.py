"""What a request may say: one rule per parameter, and the rules between them.

A rule takes one value that is not missing and returns what is sent, None for nothing at all, or raises
ValueError with the reason. The sources are the parameter table of the batch documentation and the
standards that it names.
"""

from __future__ import annotations

import numbers
import re
from collections.abc import Callable, Mapping

import numpy as np

from nimble_pandas.models import encode_json, is_http_url
from nimble_pandas.planning.shown import shown

#: Vendors that are known; the list grows, so another one only warns.
VENDORS = frozenset({"amazon", "homedepot", "walmart"})

# ISO 3166-1 alpha-2, the officially assigned codes, and the documented word for any of them
_COUNTRIES = (
    "ALL "
    "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT "
    "BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH "
    "ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT "
    "HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS "
    "LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI "
    "NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG "
    "SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG "
    "UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW"
)

# the fifty states and the capital's district; the documentation excludes territories
_STATES = (
    "AL AK AZ AR CA CO CT DE DC FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY "
    "NC ND OH OK OR PA RI SC SD TN TX UT VT VA WA WV WI WY"
)

_ZIP = re.compile(r"[0-9]{5}", re.ASCII)
_ZIP_DIGITS = 5

_BOOLEANS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{shown(value)} is not text but {type(value).__name__}")  # noqa: TRY004 -- a reason
    return value.strip()


def _url(value: object) -> str | None:
    url = _text(value)
    if url and not is_http_url(url):
        why = ": it holds a blank, which is spelled %20" if " " in url else ""
        raise ValueError(f"{shown(url)} is not an http(s) URL{why}")
    return url or None


def _country(value: object) -> str | None:
    country = _text(value).upper()
    if country == "UK":
        raise ValueError("'UK' is not an ISO 3166-1 alpha-2 code: the United Kingdom is 'GB'")
    if country and country not in _COUNTRIES.split():
        raise ValueError(f"{shown(value)} is not an ISO 3166-1 alpha-2 code such as 'US'")
    return country or None


def _state(value: object) -> str | None:
    state = _text(value).upper()
    if state and state not in _STATES.split():
        raise ValueError(f"{shown(value)} is not the two letters of a US state, such as 'NY'")
    return state or None


def _zip(value: object) -> str | None:
    if isinstance(value, numbers.Real) and not isinstance(value, bool | np.bool_):
        # a column of numbers has lost its leading zeros, and with a gap in it has become float
        if not 0 <= value < 10**_ZIP_DIGITS or value % 1:  # type: ignore[operator]
            raise ValueError(f"{shown(value)} is not a zip of five digits")
        return f"{int(value):05d}"  # type: ignore[call-overload]
    code = _text(value)
    if code and not _ZIP.fullmatch(code):
        raise ValueError(f"{shown(code)} is not a zip of five digits")
    return code or None


def _parse(value: object) -> bool | None:
    if isinstance(value, numbers.Real | np.bool_) and value in {0, 1}:
        return bool(value)
    word = value.strip().lower() if isinstance(value, str) else None
    if word is None or (word and word not in _BOOLEANS):
        raise ValueError(f"{shown(value)} is neither True nor False")
    return _BOOLEANS.get(word)


def _any_text(value: object) -> str | None:
    return _text(value) or None


def _vendor(value: object) -> str | None:
    return _text(value).lower() or None


def _json(value: object) -> object:
    plain = value.tolist() if isinstance(value, np.generic | np.ndarray) else value
    try:
        encode_json(plain)
    except (TypeError, ValueError, RecursionError) as exc:
        raise ValueError(f"{shown(value)} cannot be sent as JSON: {exc}") from exc
    return None if isinstance(plain, str) and not plain.strip() else plain


RULES: Mapping[str, Callable[[object], object]] = {
    "url": _url,
    "vendor": _vendor,
    "country": _country,
    "state": _state,
    "city": _any_text,
    "zip": _zip,
    "locale": _any_text,
    "parse": _parse,
}


# what stands in a JSON string as it is, without the blank
_AS_IT_IS = r"[!#-\[\]-~]"

# RE2's spelling of what needs neither a rule nor an escape; stricter than the rule, never laxer
_PLAIN_URL = rf"^(?i:https?)://[A-Za-z0-9.-]+(:[0-9]{{1,5}})?([/?#]{_AS_IT_IS}*)?$"
_PLAIN_TEXT = rf"^{_AS_IT_IS}+$"


def plain_pattern(parameter: str) -> str | None:
    """Return the pattern of texts that are sent as they are.

    Parameters
    ----------
    parameter : str
        The API's name.

    Returns
    -------
    str or None
        For pyarrow; None for a parameter of few values, or of a form of its own.
    """
    if parameter in RULES:
        return _PLAIN_URL if parameter == "url" else None
    return _PLAIN_TEXT


def rule(parameter: str) -> Callable[[object], object]:
    """Return the rule of `parameter`; one that is not in the documentation's table need only be JSON."""
    return RULES.get(parameter, _json)
