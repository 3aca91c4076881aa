"""Secrets out of texts, before anything is stored or shown.

`redact` replaces each secret by `[redacted:<kind>]` and leaves the rest of the text as it is. It knows secrets by their
shape (password hashes, private keys, tokens) or by the name before them (`password=`, `requirepass`). Where it is
unsure how far a secret reaches, it takes more rather than less. Redact before cutting a text to size: half a key has
no shape. Redacting twice gives the same as redacting once.

Every pattern starts at a fixed word or a line's start and is bounded, so that hostile text takes no longer than other.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

# Texts up to this length are remembered: one listing is the evidence of many controls.
REMEMBERED_MAX_CHARS = 8192


def redact(text: str) -> str:
    """Return the text without its secrets."""
    return _redact_again(text) if len(text) <= REMEMBERED_MAX_CHARS else _redact(text)


def _redact(text: str) -> str:
    lowered = text.lower()
    present = {needle for needle in NEEDLES if needle in lowered}
    if not present:
        return text
    for rule in RULES:
        if not rule.needles.isdisjoint(present):
            text = rule.pattern.sub(rule.remove, text)
    return text if _ASSIGNED_NEEDLES.isdisjoint(present) else _redact_assigned(text)


_redact_again = lru_cache(maxsize=512)(_redact)

# The parts of a pattern that can hold the secret; the first that matched is what goes.
SECRET_GROUPS = ("secret", "quoted", "bare")


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One shape of a secret. Without one of `SECRET_GROUPS` in the pattern, all that matched goes.

    Where none of the `needles` is in the text in lower case, the pattern cannot match and is not tried.
    """

    kind: str
    pattern: re.Pattern[str]
    needles: frozenset[str]

    def remove(self, found: re.Match[str]) -> str:
        """Return what was found with a placeholder in the place of the secret."""
        groups = [name for name in SECRET_GROUPS if name in self.pattern.groupindex and found[name] is not None]
        group: str | int = groups[0] if groups else 0
        if _HARMLESS.fullmatch(found[group]):
            return found[0]
        before = found[0][: found.start(group) - found.start()]
        after = found[0][found.end(group) - found.start() :]
        return f"{before}{placeholder(self.kind)}{after}"


def placeholder(kind: str) -> str:
    """Return what stands in the place of a secret."""
    return f"[redacted:{kind}]"


# What stands where a secret could stand and is none: nothing, a switch, a reference to elsewhere, or our placeholder.
_HARMLESS = re.compile(
    r"""(?ix)
    (?: | yes | no | on | off | true | false | none | null | nil | default
        | required | requisite | optional | sufficient | force | force_plus_permanent
        | \*+ | \$\{\w+\} | \{\{ [^{}]* \}\} | \[redacted:[a-z-]+\] )
    [,;]? (?: [ \t]+ \# .* )?
    """
)


_QUOTED = r"""(?P<quote>["'])(?P<quoted>(?:\\.|(?P=quote){2}|(?!(?P=quote))[^\n\\])*)(?P=quote)"""


def _value(bare: str) -> str:
    """Return the pattern of a value: quoted, or a quote that never ends (to the end of the line), or bare."""
    return rf"""(?:{_QUOTED}|(?P<bare>["'][^\n]*|\{{\{{[^{{}}\n]*\}}\}}|{bare}))"""


_VALUE = _value(r"""[^\s"']\S*""")
_LINE_VALUE = _value(r"""[^\s"'](?:[^\n]*\S)?""")

_CRYPT = r"[./A-Za-z0-9]"
_B64 = r"[A-Za-z0-9+/]"


def _rule(kind: str, pattern: str, *needles: str) -> Rule:
    return Rule(kind=kind, pattern=re.compile(pattern, re.ASCII), needles=frozenset(needles))


_SHAPES = (
    # A key without its end was cut off: everything after its beginning goes.
    _rule(
        "private-key",
        r"-----BEGIN (?P<label>[A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?)-----[\s\S]*?(?:-----END (?P=label)-----|\Z)",
        "private key",
    ),
    _rule("private-key", r"(?m)^Private-Lines: \d+\r?\n(?P<secret>(?:[A-Za-z0-9+/=]+(?:\r?\n|\Z))+)", "private-lines"),
    _rule("vault", r"\$ANSIBLE_VAULT;[^\n]*(?:\n[ \t]*(?:[0-9a-f]{32,}|[0-9a-f]+(?=[ \t\r]*(?:\n|\Z))))*", "$ansible"),
    # crypt(5). Sixteen characters of a hash are enough to test guesses against, so a hash that was cut goes too.
    _rule("password-hash", rf"\$(?:1|apr1)\${_CRYPT}{{1,8}}\${_CRYPT}{{16,22}}", "$"),
    _rule("password-hash", rf"\$(?:5|6|sha1)\$(?:rounds=)?(?:\d+\$)?{_CRYPT}{{1,64}}\${_CRYPT}{{16,86}}", "$"),
    _rule("password-hash", rf"\$g?y\${_CRYPT}{{1,16}}\${_CRYPT}{{1,86}}\${_CRYPT}{{16,86}}", "$"),
    _rule("password-hash", rf"\$7\${_CRYPT}{{11,97}}\${_CRYPT}{{16,43}}", "$"),
    _rule("password-hash", rf"\$2[abxy]?\$\d\d\${_CRYPT}{{22,53}}", "$"),
    _rule("password-hash", rf"\$argon2(?:id|i|d)\$(?:v=\d+\$)?[mtp=,\d]+\${_B64}+=*\${_B64}+=*", "$argon2"),
    _rule("password-hash", r"\$(?:pbkdf2|scrypt|bcrypt)[-\w]*\$[^\s:$]+\$[^\s:$]+\$[./+=A-Za-z0-9]{16,}", "$"),
    # MySQL's caching_sha2_password: the salt is twenty bytes of anything.
    _rule("password-hash", rf"\$A\$\d{{3}}\$[\s\S]{{20}}{_CRYPT}{{43}}", "$a$"),
    _rule("password-hash", r"\*[0-9A-F]{40}(?![0-9A-Fa-f])", "*"),
    _rule("password-hash", r"(?<![0-9A-Za-z])md5[0-9a-f]{32}(?![0-9a-f])", "md5"),
    _rule("password-hash", rf"SCRAM-SHA-\d+\$\d+:{_B64}+=*\${_B64}+=*(?::{_B64}*=*)?", "scram-sha-"),
    _rule("password-hash", r"(?i)\{(?:s?sha\d*|s?md5|crypt|pbkdf2[-\w]{0,20}|argon2)\}[A-Za-z0-9+/=$.,-]{16,}", "{"),
    # The old DES crypt has a shape only in its place in shadow(5) or passwd(5).
    _rule(
        "password-hash",
        r"(?m)^[A-Za-z_][\w.-]{0,63}\$?:!?(?P<secret>[./A-Za-z0-9]{13}|_[./A-Za-z0-9]{19}):\d*:\d*:",
        ":",
    ),
    _rule("password-hash", r"(?m)^[^:\s]{1,64}:[^:\n]{1,64}:(?P<secret>[0-9a-f]{32})[ \t\r]*$", ":"),
    _rule("password-hash", r"(?<!\S)#[0-9a-f]{64}(?![0-9a-f])", "#"),
    _rule("token", r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*", "eyj"),
    _rule(
        "token",
        r"(?<![A-Za-z0-9])(?:gh[opsur]_[A-Za-z0-9]{36,}|github_pat_\w{22,}|glpat-[\w-]{20,}|xox[abeoprs]-[\w-]{10,})",
        *("gho_", "ghp_", "ghs_", "ghu_", "ghr_", "github_pat_", "glpat-", "xox"),
    ),
    _rule(
        "cloud-key",
        r"(?<![A-Za-z0-9])(?:AKIA|ASIA|AROA|AIDA)[0-9A-Z]{16}(?![0-9A-Za-z])",
        "akia",
        "asia",
        "aroa",
        "aida",
    ),
    _rule("cloud-key", r"(?<![A-Za-z0-9])AIza[\w-]{35}(?![\w-])", "aiza"),
)

_HTTP = (
    _rule(
        "token",
        r"""(?i)authorization["']?[ \t]*[:= ][ \t]*["']?(?:basic|bearer|digest|token|negotiate)[ \t]+"""
        r"""(?P<secret>[^\n"']*[^\s"'])""",
        "authorization",
    ),
    _rule("token", r"(?i)(?<![a-z])bearer[ \t]+(?P<secret>(?=[a-z._~+/=-]{0,200}\d)[a-z0-9._~+/=-]{16,})", "bearer"),
    _rule("token", r"(?im)^[ \t<>]*(?:set-)?cookie:[ \t]*(?P<secret>\S[^\n]*)", "cookie:"),
    _rule("token", r"""(?i)["']?x-[a-z-]{0,30}(?:api-?key|auth-?key)["']?[ \t]*[:=][ \t]*""" + _VALUE, "x-"),
    _rule("token", r'"auth"[ \t]*:[ \t]*"(?P<secret>[A-Za-z0-9+/]{4,}=*)"', '"auth"'),
    # A number after the colon is a port, not a password; the last @ of the word ends the password.
    _rule(
        "password",
        r"""(?<=://)[^\s/:@"'<>]{0,256}:(?!\d{1,5}(?:[/?\#,\s]|$))(?P<secret>[^\s"'<>]{1,512})@""",
        "://",
    ),
)

_COMMANDS = (
    _rule(
        "password",
        r"(?is)\b(?:password|identified\s{1,9}(?:with\s{1,9}\S{1,64}\s{1,9})?(?:by|as)(?:\s{1,9}password)?)"
        r"\s{0,9}\(?\s{0,9}'(?P<secret>(?:[^'\\]|''|\\.)*)'",
        *("password", "identified"),
    ),
    _rule(
        "password",
        r"(?i)(?<=[ \t])--?(?:password|passwd|passphrase|pass|token|secret|api-key)[ \t]+(?!-)" + _VALUE,
        *("-pass", "-token", "-secret", "-api-key"),
    ),
    _rule(
        "password",
        r"(?m)\b(?:mysql|mariadb)[\w-]{0,20}[ \t](?:[^\n]{0,400}?[ \t])?-p(?P<secret>[^\s-]\S*)",
        *("mysql", "mariadb"),
    ),
    _rule("password", r"\bredis-cli[ \t](?:[^\n]{0,400}?[ \t])?(?:-a|--pass)[ \t]+" + _VALUE, "redis-cli"),
    _rule("password", r"\bsshpass[ \t]+-p[ \t]*" + _VALUE, "sshpass"),
    _rule(
        "password",
        r"\bcurl[ \t](?:[^\n]{0,400}?[ \t])?(?:-u|--user)[ \t]*[\"']?[^\s:\"']{1,64}:(?P<secret>[^\s\"']+)",
        "curl",
    ),
    _rule("password", r"-pass(?:in|out)?[ \t]+pass:(?P<secret>\S+)", "-pass"),
    # ~/.pgpass: host, port, database, user, password.
    _rule(
        "password", r"(?m)^[^:\s#]{1,256}:(?:\d{1,5}|\*):[^:\s]{1,64}:[^:\s]{1,64}:(?P<secret>(?:[^:\s\\]|\\.)+)$", ":"
    ),
)

_DIRECTIVES = (
    _rule(
        "password",
        r"(?im)^[ \t]*(?:requirepass|masterauth|tls-(?:client-)?key-file-pass|auth_pass|bindpw|rootpw|rootbindpw"
        r"|sentinel[ \t]+auth-pass[ \t]+\S{1,256}|secure_link_secret|insecure-password)[ \t]+" + _LINE_VALUE,
        *("pass", "masterauth", "pw", "secret"),
    ),
    # `CONFIG GET` answers a name and, on the next line, its value; on a terminal numbered and quoted.
    _rule(
        "password",
        r"""(?im)^(?:\d+\)[ \t])?["']?(?:requirepass|masterauth|tls-(?:client-)?key-file-pass)["']?\r?\n"""
        r"""(?:\d+\)[ \t])?["']?(?P<secret>[^\n\r"'][^\n\r]*?)["']?\r?$""",
        *("requirepass", "masterauth", "key-file-pass"),
    ),
    # Redis: a user can have several passwords, with other words between them.
    _rule(
        "password",
        r"(?m)^[ \t]*user[ \t]+\S{1,256}[ \t](?:[^\n]{0,400}?[ \t])?(?P<secret>>\S+(?:[^\n]*[ \t]>\S+)?)",
        ">",
    ),
    _rule("password", r"(?m)^[ \t]*user[ \t]+\S{1,256}[ \t]+(?:insecure-)?password[ \t]+" + _VALUE, "password"),
    _rule("password", r"(?m)^[ \t]*stats[ \t]+auth[ \t]+[^\s:]{1,256}:(?P<secret>\S+)", "stats"),
    _rule("password", r'(?<![\w-])secret[ \t]+"(?P<secret>[^"\n]*)"', "secret"),
    # Erlang terms, as RabbitMQ prints its environment.
    _rule("password", r'(?i)(?:pass|password|secret|cookie|token)[\'"]?[ \t]*,[ \t]*<<"(?P<secret>[^"\n]*)">>', "<<"),
)

RULES: tuple[Rule, ...] = (*_SHAPES, *_HTTP, *_COMMANDS, *_DIRECTIVES)

# A name whose value is a secret, in any of the ways that settings are written: a=b, a: b, "a": "b", a => b.
_IS = r"""["']?[ \t]*(?:=>|==?|:=?)[ \t]*"""
# `passwd:` is also a line of nsswitch.conf, whose values are these words, and a tag of sudoers, which is written large.
_NSS = r"(?!files|compat|systemd|sss|ldap|nis|db\b|winbind|altfiles|\[)"
_ASSIGNED = re.compile(
    rf"""(?x)
    (?:
        (?i: password | passphrase | secret | token | credential | (?<![a-z])psk | sshpass ) {_IS}
      | (?i: mysql_pwd | redis(?:cli)?_auth ) {_IS}
      | (?! PASSWD [ \t]* : ) (?i: passwd ) {_IS} {_NSS}
      | (?: (?<![A-Za-z])(?i:pass) | (?<=[a-z])Pass ) ["']? [ \t]* =[ \t]*
      | (?<=[_-])(?i:pass) {_IS}
      | (?<=;)[ \t]{{0,9}}(?i:pwd) [ \t]* =[ \t]*
        # A path says where a key is, not what it is.
      | (?P<key> (?i: (?: secret|private|preshared|api|access|encryption|signing|master|account )[_-]?key) {_IS} )
        (?!["']?/)
    )
    {_VALUE}
    """,
    re.ASCII,
)
_ASSIGNED_NEEDLES = frozenset({"pass", "secret", "token", "credential", "psk", "pwd", "_auth", "key"})
# A name that is the end of a path is a file: `grep` puts /etc/pam.d/common-password: before its answers.
_IN_PATH = re.compile(r"/[\w.-]*\Z", re.ASCII)
_STARTS_LINE = re.compile(r"\n[ \t]*(?:export[ \t]+)?[\w.-]*\Z", re.ASCII)
_NAME_MAX_CHARS = 128


def _redact_assigned(text: str) -> str:
    """Redact the values of names that say that they hold a secret."""
    done = []
    written = at = 0
    while found := _ASSIGNED.search(text, at):
        name = text[max(0, found.start() - _NAME_MAX_CHARS) : found.start()]
        group = "bare" if found["bare"] is not None else "quoted"
        start, end = found.span(group)
        if _IN_PATH.search(name):
            at = start
            continue
        if group == "bare" and _STARTS_LINE.search(name if found.start() > len(name) else "\n" + name):
            # At a line's start an unquoted value reaches to its end: option files allow blanks in a password.
            end = start + len(text[start : _line_end(text, start)].rstrip())
        if not _HARMLESS.fullmatch(text, start, end):
            done += [text[written:start], placeholder("key" if found["key"] else "password")]
            written = end
        at = end
    return "".join((*done, text[written:]))


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end


NEEDLES = tuple(_ASSIGNED_NEEDLES.union(*(rule.needles for rule in RULES)))
