"""What the SSH server will do with our own next login."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from fnmatch import fnmatchcase

from hardening.prediction import Consequence, Planned
from hardening.preflights.rule import Asked, Breakage, Unknown, listed, preflight, sshd

LISTS = ("denyusers", "allowusers", "denygroups", "allowgroups")
# Option of sshd -> option of `ssh -G`, and what both sides must have one in common of.
ALGORITHMS = {
    "ciphers": ("ciphers", "cipher", "加密算法"),
    "macs": ("macs", "MAC", "MAC 算法"),
    "kexalgorithms": ("kexalgorithms", "key exchange", "密钥交换算法"),
    "hostkeyalgorithms": ("hostkeyalgorithms", "host key algorithm", "主机密钥算法"),
}
# The type of a key as sshd logs it -> the signature algorithms that it can be used with.
SIGNATURES = {
    "ED25519": ("ssh-ed25519",),
    "ED25519-SK": ("sk-ssh-ed25519@openssh.com",),
    "ECDSA": ("ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"),
    "ECDSA-SK": ("sk-ecdsa-sha2-nistp256@openssh.com",),
    "RSA": ("rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"),
    "DSA": ("ssh-dss",),
    "ED25519-CERT": ("ssh-ed25519-cert-v01@openssh.com",),
    "RSA-CERT": ("rsa-sha2-512-cert-v01@openssh.com", "rsa-sha2-256-cert-v01@openssh.com"),
}
EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 - what sshd says, nothing is bound
KEY_SIGNATURES = {"ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256", "ssh-rsa")}
# The method as sshd logs it -> the option that switches it off.
METHODS = {
    "password": "passwordauthentication",
    "publickey": "pubkeyauthentication",
    "keyboard-interactive": "kbdinteractiveauthentication",
    "hostbased": "hostbasedauthentication",
    "gssapi-with-mic": "gssapiauthentication",
}


needs_offers = sshd(*ALGORITHMS)


def option_of(item: Planned) -> str:
    """Return the option that an item sets, in lower case."""
    return str(item.params.get("option", "")).lower()


def names_of(value: object) -> list[str]:
    """Return the names of a list in sshd's own form, with commas, or in YAML's."""
    text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
    return [name for name in text.replace(" ", ",").split(",") if name]


def words_of(value: object) -> list[str]:
    """Return the patterns of AllowUsers and its like: blanks part them, commas do not."""
    return " ".join(map(str, value)).split() if isinstance(value, list) else str(value).split()


def speaks_of(pattern: str, user: str, address: str, *, use_dns: bool) -> bool:
    """Tell whether a pattern `user` or `user@places` of sshd_config(5) speaks of us.

    A `!` means something only among places, where it ends the list (tried on real servers of 9.2 and 10.0).
    Raises Unknown where only the name of the client's address would tell.
    """
    name, at, places = pattern.rpartition("@") if "@" in pattern else (pattern, "", "")
    if not _fits(user, name):
        return False
    if not at:
        return True
    if not address:
        raise Unknown("from which address we come is not known")
    found, named = False, ""
    for place in places.split(","):
        if not _is_place(place.lstrip("!"), address):
            looks_like_a_name = any(letter.isalpha() for letter in place) and ":" not in place
            named = place if use_dns and looks_like_a_name else named
        elif place.startswith("!"):
            return False
        else:
            found = True
    if named:
        raise Unknown(f"whether {address} is called {named} is up to the name server")
    return found


def _is_place(place: str, address: str) -> bool:
    if "/" not in place:
        return _fits(address, place)
    try:
        return ipaddress.ip_address(address) in ipaddress.ip_network(place, strict=False)
    except ValueError:
        return False


def _fits(text: str, pattern: str) -> bool:
    """Match as sshd does: it knows * and ? only."""
    return fnmatchcase(text, pattern.replace("[", "[[]"))


@preflight(
    consequence=Consequence.LOCKOUT,
    predicts="AllowUsers, DenyUsers, AllowGroups or DenyGroups would refuse the account that we log in with",
    predicts_zh="AllowUsers、DenyUsers、AllowGroups 或 DenyGroups 将拒绝我们登录所用的账号",
    concerns=sshd(*LISTS),
    needs={"us": "login", "now": "sshd_effective"},
)
def sshd_account_denied(asked: Asked) -> Iterator[Breakage]:
    """Judge in sshd's own order; lines of these four add up, so what stands in the files now still counts.

    Of an undo only what the campaign wrote goes; what was there before comes back, if it is not there still.
    """
    us = asked["us"]
    if us["over"] != "ssh":
        return
    now = asked["now"]
    use_dns = now.get("usedns", ["no"])[0] == "yes"
    after = {name: [word for value in now.get(name, []) for word in words_of(value)] for name in LISTS}
    for item in asked.items:
        gone = words_of(item.undoes) if item.is_undo else []
        kept = [word for word in after[option_of(item)] if word not in gone]
        after[option_of(item)] = list(dict.fromkeys([*kept, *words_of(item.value)]))

    def hit(option: str) -> bool:
        if option.endswith("users"):
            return any(speaks_of(each, us["user"], us["address"], use_dns=use_dns) for each in after[option])
        return any(_fits(group, each) for each in after[option] for group in us["groups"])

    for option, said in zip(LISTS, ("DenyUsers", "AllowUsers", "DenyGroups", "AllowGroups"), strict=True):
        items = [item for item in asked.items if option_of(item) == option]
        refuses = after[option] and (hit(option) if option.startswith("deny") else not hit(option))
        if refuses and items:
            yield asked.breaks(
                f"{said} {' '.join(after[option])} refuses {us['user']} from {us['address'] or 'here'}",
                f"{said} {' '.join(after[option])} 将拒绝来自 {us['address'] or '本机'} 的 {us['user']}",
                items,
            )


@preflight(
    consequence=Consequence.LOCKOUT,
    predicts="we log in as root, and PermitRootLogin would no longer let root in",
    predicts_zh="我们以 root 登录，而 PermitRootLogin 将不再允许 root 登录",
    concerns=sshd("PermitRootLogin"),
    needs={"us": "login", "how": "login_method"},
)
def sshd_root_login(asked: Asked) -> Iterator[Breakage]:
    """Judge `no`, and for a password also the two words for keys only; forced commands are none of ours."""
    us = asked["us"]
    if us["over"] != "ssh" or us["user"] != "root":
        return
    for item in asked.items:
        value = str(item.value).lower()
        keys_only = value in ("prohibit-password", "without-password")
        if value in ("no", "forced-commands-only") or (keys_only and asked["how"]["method"] != "publickey"):
            yield asked.breaks(
                f"we come as root, and PermitRootLogin {value} refuses that; "
                "use another account with sudo (ansible_user) first",
                f"我们以 root 登录，PermitRootLogin {value} 将拒绝；请先改用带 sudo 的账号（ansible_user）",
                [item],
            )


@preflight(
    consequence=Consequence.LOCKOUT,
    predicts="the way we log in (password, key, questions, Kerberos, host) would be switched off",
    predicts_zh="我们所用的登录方式（口令、密钥、交互式、Kerberos、主机）将被关闭",
    concerns=sshd(*METHODS.values(), "AuthenticationMethods"),
    needs={"us": "login", "how": "login_method"},
)
def sshd_login_method(asked: Asked) -> Iterator[Breakage]:
    """Judge by what sshd's own log says of our present login."""
    if asked["us"]["over"] != "ssh":
        return
    used = asked["how"]["method"]
    if used not in METHODS:
        raise Unknown(f"we log in by {used}, of which nothing is known here")
    for item in asked.items:
        if option_of(item) == "authenticationmethods":
            lists = [set(names_of(way)) for way in str(item.value).split()]
            ways = [{name.partition(":")[0] for name in way} for way in lists]
            off = "any" not in str(item.value).split() and {used} not in ways
        else:
            off = option_of(item) == METHODS[used] and str(item.value).lower() == "no"
        if off:
            name = str(item.params.get("option"))
            yield asked.breaks(
                f"we log in by {used}, and {name} {item.value} no longer takes that alone",
                f"我们以 {used} 方式登录，{name} {item.value} 将不再接受",
                [item],
            )


@preflight(
    consequence=Consequence.LOCKOUT,
    predicts="StrictModes would ignore our authorized keys, because others may write to them or above them",
    predicts_zh="StrictModes 将忽略我们的 authorized_keys：该文件或其上级目录可被他人写入",
    concerns=sshd("StrictModes"),
    needs={"us": "login", "how": "login_method", "files": "key_files"},
)
def sshd_key_files_open(asked: Asked) -> Iterator[Breakage]:
    """Judge as sshd does: owner is the account or root, and neither group nor others may write."""
    us = asked["us"]
    if us["over"] != "ssh" or asked["how"]["method"] != "publickey":
        return
    if not asked["files"]:
        raise Unknown("none of our authorized keys stands in a file of this host")
    bad = [
        f"{each['path']} ({each['mode']} {each['owner']})"
        for each in asked["files"]
        if int(each["mode"], 8) & 0o022 or each["owner"] not in ("root", us["user"])
    ]
    items = [item for item in asked.items if str(item.value).lower() == "yes"]
    if bad and items:
        yield asked.breaks(
            f"with StrictModes sshd ignores our keys: {listed(bad)}",
            f"启用 StrictModes 后 sshd 将忽略我们的密钥：{listed(bad)}",
            items,
        )


@preflight(
    consequence=Consequence.LOCKOUT,
    predicts="no cipher, MAC, key exchange or host key algorithm would be left that this machine's ssh speaks",
    predicts_zh="加密、MAC、密钥交换或主机密钥算法中将没有本机 ssh 支持的算法",
    concerns=sshd(*ALGORITHMS),
    needs={"keys": "host_key_types"},
)
def sshd_algorithms(asked: Asked) -> Iterator[Breakage]:
    """Compare with what `ssh -G` says this machine would offer to the host, and with the keys that the host has."""
    if asked.us.transport == "local":
        return
    for item in asked.items:
        option, english, chinese = ALGORITHMS[option_of(item)]
        planned = names_of(item.value)
        if planned and planned[0][:1] in ("+", "-", "^"):
            raise Unknown(f"{item.value} changes the server's own list, which is not known here")
        offered = asked.us.offers.get(option)
        if not offered:
            raise Unknown(f"`ssh -G` did not tell what this machine offers ({option})")
        common = [name for name in planned if name in offered]
        if common and option == "hostkeyalgorithms":
            held = {alg for key in asked["keys"] for alg in KEY_SIGNATURES.get(key, (key,))}
            common = [name for name in common if name in held]
            trusted = {alg for key in asked.us.known_keys for alg in KEY_SIGNATURES.get(key, (key,))}
            common = [name for name in common if not trusted or name in trusted]
        if not common:
            yield asked.breaks(
                f"no {english} of {listed(planned)} is one that this machine's ssh would use with this host",
                f"{listed(planned)} 中没有本机 ssh 可与该主机使用的{chinese}",
                [item],
            )


@preflight(
    consequence=Consequence.LOCKOUT,
    predicts="the type of key that we log in with would no longer be accepted",
    predicts_zh="我们登录所用的密钥类型将不再被接受",
    concerns=sshd("PubkeyAcceptedAlgorithms"),
    needs={"us": "login", "how": "login_method"},
)
def sshd_key_type(asked: Asked) -> Iterator[Breakage]:
    """Judge by the type of key that sshd logged for our present login."""
    if asked["us"]["over"] != "ssh" or asked["how"]["method"] != "publickey":
        return
    kind = asked["how"]["key"]
    usable = SIGNATURES.get(kind)
    if usable is None:
        raise Unknown(f"which signatures a key of type {kind or '(not logged)'} can give is not known here")
    for item in asked.items:
        if not set(usable) & set(names_of(item.value)):
            yield asked.breaks(
                f"we log in with a key of type {kind}, which is none of {listed(names_of(item.value))}",
                f"我们使用 {kind} 类型的密钥登录，不在 {listed(names_of(item.value))} 之中",
                [item],
            )


@preflight(
    consequence=Consequence.LOCKOUT,
    predicts="sshd would listen on another port or address than the one we come by",
    predicts_zh="sshd 将监听其他端口或地址，而非我们连接所用的",
    concerns=sshd("Port", "ListenAddress"),
    needs={"us": "login", "now": "sshd_effective"},
)
def sshd_moves(asked: Asked) -> Iterator[Breakage]:
    """Judge the port; a new address is for a person to see, as the way to it is not known here.

    Of an undo all ports and addresses of before are known: where we come in now must be among them.
    """
    us = asked["us"]
    if us["over"] != "ssh":
        return
    for item in asked.items:
        name = str(item.params.get("option"))
        if item.is_undo:
            moves = not _still_listens(item, us["to_address"], us["to_port"])
        else:
            moves = option_of(item) == "listenaddress" or str(item.value) not in asked["now"]["port"]
        if moves:
            value = listed(names_of(item.value))
            yield asked.breaks(
                f"{name} becomes {value}; the inventory, firewalls and monitoring still use what is now",
                f"{name} 将变为 {value}；清单、防火墙和监控仍使用当前设置",
                [item],
            )


def _still_listens(item: Planned, address: str, port: str) -> bool:
    """Tell whether the ports or the addresses with ports of `sshd -T` have the one that we come by."""
    if not port:
        raise Unknown("by which port we come in is not known")
    said = [str(each) for each in (item.value if isinstance(item.value, list) else [item.value])]
    if option_of(item) == "port":
        return port in said
    ends = [each.rpartition(":")[::2] for each in said]
    return any(at == port and place.strip("[]") in (address, *EVERYWHERE) for place, at in ends)


@preflight(
    consequence=Consequence.OUTAGE,
    predicts="connections are being forwarded through this SSH server (a jump host), and forwarding would be off",
    predicts_zh="有连接正经由此 SSH 服务器转发（跳板机），而转发将被关闭",
    concerns=sshd("AllowTcpForwarding", "DisableForwarding"),
    needs={"leads": "ssh_forwardings"},
)
def sshd_jump_host(asked: Asked) -> Iterator[Breakage]:
    """Judge by the connections that sshd itself holds to other places now."""
    off = {"allowtcpforwarding": ("no", "remote"), "disableforwarding": ("yes",)}
    items = [item for item in asked.items if str(item.value).lower() in off[option_of(item)]]
    if items and asked["leads"]:
        yield asked.breaks(
            f"sshd forwards connections to {listed(asked['leads'])} now; whoever jumps through this host stays outside",
            f"sshd 正在转发到 {listed(asked['leads'])} 的连接；经由此主机跳转的用户将无法通过",
            items,
        )
