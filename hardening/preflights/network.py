"""What the host does for the network: what it passes on, what it answers, and how its own packets find their way."""

from __future__ import annotations

from collections.abc import Iterator

from hardening.prediction import Consequence, Planned
from hardening.preflights.rule import Asked, Breakage, listed, of_kind, preflight

FORWARDING = {
    "net.ipv4.ip_forward": "ipv4",
    "net.ipv4.conf.all.forwarding": "ipv4",
    "net.ipv6.conf.all.forwarding": "ipv6",
}


def _stops_forwarding(item: Planned) -> bool:
    if item.kind == "linux.sysctl":
        return item.params.get("key") in FORWARDING and str(item.value) == "0"
    return of_kind("linux.firewall_policy", hook="forward")(item) and str(item.value) == "drop"


@preflight(
    consequence=Consequence.OUTAGE,
    predicts="the host passes packets on (a router, containers, virtual machines, a VPN), and would stop to",
    predicts_zh="主机正在转发数据包（路由、容器、虚拟机、VPN），变更后将停止转发",
    concerns=_stops_forwarding,
    needs={"passed": "forwarding"},
)
def forwarding_in_use(asked: Asked) -> Iterator[Breakage]:
    """Judge by the kernel's own count since boot, and by interfaces that exist only to be passed on from."""
    passed = asked["passed"]
    for item in asked.items:
        family = FORWARDING.get(str(item.params.get("key")), "ipv6" if item.params.get("family") == "ip6" else "ipv4")
        if passed[family] or passed["interfaces"]:
            count = f"{passed[family]} packets of {family} passed on since boot"
            on = f"; interfaces: {listed(passed['interfaces'])}" if passed["interfaces"] else ""
            yield asked.breaks(
                f"{count}{on}",
                f"启动以来已转发 {passed[family]} 个 {family} 数据包"
                + (f"；接口：{listed(passed['interfaces'])}" if passed["interfaces"] else ""),
                [item],
            )


def _drops_input(item: Planned) -> bool:
    return of_kind("linux.firewall_policy", hook="input")(item) and str(item.value) == "drop"


@preflight(
    consequence=Consequence.OUTAGE,
    predicts="something listens on a high UDP port, for which the packet filter would get no rule",
    predicts_zh="有程序监听高位 UDP 端口，包过滤规则不会放行",
    concerns=_drops_input,
    needs={"sockets": "high_udp_sockets"},
)
def firewall_cuts_off(asked: Asked) -> Iterator[Breakage]:
    """Judge what the rules leave out: they name what listens, but not UDP ports that clients' sockets get, too."""
    if asked["sockets"]:
        who = listed(f"udp/{each['port']} ({each['program']})" for each in asked["sockets"])
        yield asked.breaks(
            f"nothing new would reach {who}; if that is a service, let it in yourself first",
            f"新的数据包将无法到达 {who}；如属服务，请先自行放行",
        )


@preflight(
    consequence=Consequence.OUTAGE,
    predicts="the host has its IPv6 default route from a router's advertisements, which it would ignore",
    predicts_zh="主机的 IPv6 默认路由来自路由器通告，变更后将忽略通告",
    concerns=lambda item: (
        item.kind in ("linux.sysctl", "linux.interface_sysctl")
        and str(item.params.get("key", "")).endswith(".accept_ra")
        and str(item.value) == "0"
    ),
    needs={"routes": "advertised_routes"},
)
def ipv6_route_advertised(asked: Asked) -> Iterator[Breakage]:
    """Judge by the route that is there now; it runs out some minutes after the change."""
    if asked["routes"]:
        yield asked.breaks(
            f"the IPv6 default route comes from advertisements ({listed(asked['routes'], 2)}) and would run out",
            f"IPv6 默认路由来自路由器通告（{listed(asked['routes'], 2)}），将会失效",
        )


@preflight(
    consequence=Consequence.OUTAGE,
    predicts="packets come and go by different interfaces, and strict reverse path filtering would drop them",
    predicts_zh="数据包往返经由不同接口，严格反向路径过滤将丢弃它们",
    concerns=lambda item: (
        item.kind == "linux.sysctl"
        and str(item.params.get("key", "")).endswith(".rp_filter")
        and str(item.value) == "1"
    ),
    needs={"paths": "reverse_paths"},
)
def reverse_path_strict(asked: Asked) -> Iterator[Breakage]:
    """Judge by several default routes, or routing rules beside the usual three."""
    paths = asked["paths"]
    if len(paths["interfaces"]) > 1 or paths["rules"]:
        seen = listed([*paths["interfaces"], *paths["rules"]])
        yield asked.breaks(
            f"this host routes by more than one way ({seen}); set rp_filter to 2 (loose) by the profile instead",
            f"主机有多条路由路径（{seen}）；请在配置中将 rp_filter 设为 2（宽松）",
        )
