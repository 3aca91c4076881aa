"""The page that lies on top in every bundle: what it is, and how to check it without us, in English and Chinese."""

from __future__ import annotations

from collections.abc import Mapping

from hardening.seal.layout import NAMESPACE

_PAGE = """\
# Evidence of campaign {campaign}

[中文](#中文说明)

This bundle holds what a run of `hardening` saw and did, the reports that were made from it, and a seal.
It can be checked on any machine with coreutils and OpenSSH (8.1 or newer), without `hardening` and without a network.

| file | what it is |
|---|---|
| `coverage.json` | what was asked, what was seen, and why not the rest; and where the chain begins and ends |
| `facts/entries.jsonl` | every entry of the campaign with its place in the ledger's hash chain |
| `facts/attestations.jsonl` | what people attested, where the campaign counts it |
| `facts/texts/` | long texts and attached files, named by their SHA-256 |
| `reports/` | the reports, made from the facts: `en` and `zh`, and those without a language |
| `manifest.json` | every file above with its size and digests |
| `SHA256SUMS` | the same for `sha256sum` |
| `seal/` | the statement that is signed, its signatures, a DSSE envelope of both, time stamps |

## Check it yourself

Get the list of allowed signers from somebody you trust, not out of this bundle: one line each, `name key-type key`.
Then, in this directory:

```sh
export ALLOWED_SIGNERS="${{ALLOWED_SIGNERS:-../allowed_signers}}"
```

1. No file was changed, and none is missing:

```sh
sha256sum --quiet -c SHA256SUMS
```

2. No file was added (this prints nothing):

```sh
(cut -c67- SHA256SUMS; find . -type f ! -path './seal/*' ! -name SHA256SUMS | sed 's,^[.]/,,') | sort | uniq -u
```

3. The list of files is the one that was signed:

```sh
for file in manifest.json SHA256SUMS; do
  grep -qF "$(sha256sum < "$file" | cut -d' ' -f1)" seal/statement.pae && echo "$file: signed" || exit 1
done
```

4. And these signed it:

```sh
for signature in seal/signature-*.ssh.sig; do
  signer=$(ssh-keygen -Y find-principals -f "$ALLOWED_SIGNERS" -s "$signature" | head -n 1)
  ssh-keygen -Y verify -f "$ALLOWED_SIGNERS" -I "$signer" -n {namespace} -s "$signature" < seal/statement.pae || exit 1
done
```

`hardening evidence verify` checks the same and more: the hash chain entry by entry, its end, and time stamps.
To recompute the hash of an entry: SHA-256 over the JSON of its `campaign_id`, `kind`, `payload_digest`, `prev_hash`,
`seq` and `taken_at`, keys sorted, without spaces; `payload_digest` is the SHA-256 over its `payload` written the same
way, in UTF-8. Entries of other campaigns stand in between without their payload, so that the chain has no gap.

What a check cannot say: that the hosts told the truth, and what happened after the campaign.
Where a bundle is not signed, whoever can write it can write another one.

## 中文说明

本证据包包含 `hardening` 一次任务（{campaign}）的全部记录、由记录生成的报告以及封签。
任何装有 coreutils 和 OpenSSH（8.1 及以上）的机器都可以核验，不需要 `hardening`，也不需要网络。

| 文件 | 内容 |
|---|---|
| `coverage.json` | 覆盖声明：要求检查什么、实际看到什么、其余为何没有看到；记录链的起点和终点 |
| `facts/entries.jsonl` | 本次任务的每一条记录及其在哈希链中的位置 |
| `facts/attestations.jsonl` | 本次任务采信的人工核查结论 |
| `facts/texts/` | 长文本和附件，以 SHA-256 命名 |
| `reports/` | 由记录生成的报告：`en`、`zh` 以及与语言无关的格式 |
| `manifest.json` | 上述每个文件的大小和摘要 |
| `SHA256SUMS` | 供 `sha256sum` 使用的同一清单 |
| `seal/` | 被签名的声明、签名、DSSE 封装、时间戳 |

核验步骤即上文四段命令：一、文件没有被改动或缺失；二、没有多出文件（第二段命令应无输出）；三、清单就是被签名的清单；
四、签名人在您从可信渠道取得的 `allowed_signers` 之中（不要使用证据包内附带的任何公钥）。
`hardening evidence verify` 执行同样的检查，并逐条核对哈希链、链尾和时间戳。

核验不能证明：主机返回的内容属实，以及任务结束之后发生的事情。没有签名的证据包，能改写它的人也能另造一份。
自查结果，不替代等级测评。
{notes}"""


def bundle_readme(campaign: str, left_out: Mapping[str, str]) -> str:
    """Return the page. `left_out` are reports that could not be made, with the reason."""
    notes = ""
    if left_out:
        rows = "\n".join(f"- `{name}`: {why}" for name, why in sorted(left_out.items()))
        notes = f"\n## Left out / 未生成\n\n{rows}\n"
    return _PAGE.format(campaign=campaign, namespace=NAMESPACE, notes=notes)
