"""What must not be shown: files that hold secrets, and secrets in lines."""

from __future__ import annotations

import re

SECRET_PATH = re.compile(
    r"(^/etc/(g?shadow|opasswd|security/opasswd)(-|$|\.)|/grub\.d/|grub\.cfg|ssh_host_.*_key$|\.key$|/private/|\.pgpass|\.my\.cnf"
    r"|credential|secret|passwd-s3fs|chap-secrets|/user\.cfg)"
)
SECRETS_IN_LINES = [
    re.compile(r"(?i)(\b[\w-]*(?:password|passwd|passphrase|secret|token|api_?key)\b\s*[=:]\s*)(\S.*)"),
    re.compile(r"(?i)(\b(?:requirepass|masterauth|auth-pass|identified\s+by)\s+)(\S+)"),
    re.compile(r"()(\$(?:y|gy|7|2[abxy]|1|5|6)\$[^\s:]+)"),
    re.compile(r"(://[^\s:/@]+:)([^\s@/]+)(?=@)"),
]
KEY_BLOCK = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.S)


def is_secret_path(name: str) -> bool:
    """Tell whether a file's content is never to be shown."""
    return bool(SECRET_PATH.search(name))


def redact(text: str) -> str:
    """Take secrets out of text."""
    text = KEY_BLOCK.sub("[private key not shown]", text)
    for pattern in SECRETS_IN_LINES:
        text = pattern.sub(lambda found: found.group(1) + "[not shown]", text)
    return text
