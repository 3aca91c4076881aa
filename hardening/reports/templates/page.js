"use strict";
// The list of findings: reads the embedded data, filters, sorts, draws. Text goes in as text, never as markup.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const at = (id) => document.getElementById(id);
  const [CONTROL, TARGET, STATUS, BEFORE, SEEN, REASON, PROBES, SECOND] = data.row.keys();
  const STEP = 100;
  // An index of many pages knows how every check stands, and leaves to those pages what was seen and why.
  const column = data.packed ? unpacked(data.packed) : columns(data.rows, data.row.length);
  const COUNT = column[STATUS].length;
  const TELLS = column.length > SEEN;
  const get = (row, field) => column[field][row];

  let tongue = 0;
  let drawn = 0;
  let matching = [];
  const state = { q: "", status: new Set(), sev: new Set(), component: "", host: "", sort: "", down: false };

  const word = (key) => data.words[key][tongue];
  const pick = (texts) => (texts.length > tongue ? texts[tongue] : texts[0]);
  const filled = (text, values) => text.replace(/\{(\w+)\}/g, (_, key) => values[key]);
  const grouped = (number) => number.toLocaleString("en-US");
  const hostOf = (target) => data.hosts[data.targets[target][0]];
  const names = data.targets.map((t) => `${data.hosts[t[0]]}/${t[1]}${t[2] ? `:${t[2]}` : ""}`);

  function make(tag, attributes, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) element.setAttribute(name, value);
    element.append(...children.filter((child) => child !== null));
    return element;
  }

  function columns(rows, fields) {
    return Array.from({ length: fields }, (_, field) => Int32Array.from({ length: rows.length / fields }, (_, row) => rows[row * fields + field]));
  }

  // One text per target, one letter per control of its component; the list has the worst first, then the gravest.
  function unpacked({ controls, status, before }) {
    const buckets = Array.from({ length: 28 }, () => [[], [], [], []]);
    status.forEach((letters, target) => {
      const of = controls[data.targets[target][1]];
      for (let at = 0; at < letters.length; at += 1) {
        if (letters[at] === ".") continue;
        const is = Number(letters[at]);
        const was = before[target] && before[target][at] !== "." ? Number(before[target][at]) : -1;
        const bucket = buckets[is * 4 + 3 - data.controls[of[at]][2]];
        [of[at], target, is, was].forEach((value, field) => bucket[field].push(value));
      }
    });
    return [0, 1, 2, 3].map((field) => Int32Array.from(buckets.flatMap((bucket) => bucket[field])));
  }

  // What is searched, lower case, once per distinct text instead of once per finding.
  const lower = (texts) => texts.join("\n").toLowerCase();
  const hay = {
    control: data.controls.map((c) => lower([c[0], ...c[3], ...c[5], ...c[6]])),
    target: names.map((name) => name.toLowerCase()),
    seen: data.seen.map(lower),
    reason: data.reasons.map((reason) => reason.toLowerCase()),
    status: data.statuses.map((s) => lower([...s, s[0].replace("_", " ")])),
    severity: data.severities.map(lower),
  };

  // "host:web* status:fail,error -sev:low two words" becomes tests that a finding must all pass. A word is looked for
  // once in every control, target, status and text; a finding only looks up what was found there.
  const BY_CONTROL = { key: (row) => get(row, CONTROL), all: data.controls };
  const BY_TARGET = { key: (row) => get(row, TARGET), all: data.targets };
  const FIELDS = {
    host: { ...BY_TARGET, says: (_, target) => [hostOf(target)] },
    target: { ...BY_TARGET, says: (_, target) => [names[target]] },
    component: { ...BY_CONTROL, says: (control) => [control[1]] },
    control: { ...BY_CONTROL, says: (control) => [control[0]] },
    status: { key: (row) => get(row, STATUS), all: data.statuses, says: (status) => status },
    before: { key: (row) => get(row, BEFORE), all: data.statuses, says: (status) => status },
    sev: { ...BY_CONTROL, says: (control) => data.severities[control[2]] },
    clause: { ...BY_CONTROL, says: (control) => control[6] },
  };
  FIELDS.severity = FIELDS.sev;
  const pattern = (text) =>
    new RegExp(`^${text.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replace(/\*/g, ".*")}$`, "i");

  function tests(query) {
    return (query.match(/-?(?:\w+:)?(?:"[^"]*"|\S)+/g) || []).map((token) => {
      const not = token.startsWith("-") && token.length > 1;
      const plain = not ? token.slice(1) : token;
      const colon = plain.indexOf(":");
      const field = colon > 0 && FIELDS[plain.slice(0, colon).toLowerCase()];
      if (field) {
        const wanted = plain.slice(colon + 1).replace(/"/g, "").split(",").filter(Boolean).map(pattern);
        if (!wanted.length) return () => true;
        const fits = field.all.map((each, at) => field.says(each, at).some((value) => wanted.some((one) => one.test(value))));
        return (row) => Boolean(fits[field.key(row)]) !== not;
      }
      const text = plain.replace(/"/g, "").toLowerCase();
      const has = (hays) => hays.map((hay) => hay.includes(text));
      const severe = has(hay.severity);
      const control = has(hay.control).map((found, at) => found || severe[data.controls[at][2]]);
      const [target, status, seen, reason] = [has(hay.target), has(hay.status), has(hay.seen), has(hay.reason)];
      return (row) =>
        (control[get(row, CONTROL)] || target[get(row, TARGET)] || status[get(row, STATUS)] ||
          (TELLS && (seen[get(row, SEEN)] || reason[get(row, REASON)]))) !== not;
    });
  }

  function filter() {
    const must = tests(state.q);
    if (state.component) must.push((row) => data.controls[get(row, CONTROL)][1] === state.component);
    if (state.host) must.push((row) => hostOf(get(row, TARGET)) === state.host);
    const perStatus = data.statuses.map(() => 0);
    const perSeverity = data.severities.map(() => 0);
    matching = [];
    for (let row = 0; row < COUNT; row += 1) {
      if (!must.every((test) => test(row))) continue;
      const status = get(row, STATUS);
      const severity = data.controls[get(row, CONTROL)][2];
      const statusFits = !state.status.size || state.status.has(data.statuses[status][0]);
      const severityFits = !state.sev.size || state.sev.has(data.severities[severity][0]);
      // A chip says how many there would be with it: counted without its own group.
      if (severityFits) perStatus[status] += 1;
      if (statusFits) perSeverity[severity] += 1;
      if (statusFits && severityFits) matching.push(row);
    }
    if (state.sort) sort();
    return { perStatus, perSeverity };
  }

  const ranks = (texts) => {
    const order = texts.map((_, at) => at).sort((a, b) => (texts[a] < texts[b] ? -1 : texts[a] > texts[b] ? 1 : 0));
    const rank = new Int32Array(texts.length);
    order.forEach((at, place) => { rank[at] = place; });
    return rank;
  };
  const ranked = { target: ranks(names), control: ranks(data.controls.map((control) => control[0])) };

  function sort() {
    const keys = {
      status: (row) => get(row, STATUS),
      severity: (row) => -data.controls[get(row, CONTROL)][2],
      target: (row) => ranked.target[get(row, TARGET)],
      control: (row) => ranked.control[get(row, CONTROL)],
    };
    const key = keys[state.sort];
    const way = state.down ? -1 : 1;
    matching.sort((a, b) => way * (key(a) - key(b)) || a - b);
  }

  const components = [...new Set(data.controls.map((control) => control[1]))].sort();
  const hostNames = [...data.hosts].sort();

  function draw() {
    const counts = filter();
    at("shown").textContent = filled(word("shown"), { n: grouped(matching.length), all: grouped(COUNT) });
    chips("by-status", data.statuses, counts.perStatus, state.status);
    chips("by-severity", [...data.severities].reverse(), [...counts.perSeverity].reverse(), state.sev);
    options("by-component", components, state.component);
    options("by-host", hostNames, state.host);
    if (at("q").value !== state.q) at("q").value = state.q;
    for (const button of document.querySelectorAll("[data-sort]")) {
      const cell = button.closest("th");
      if (button.dataset.sort === state.sort) cell.setAttribute("aria-sort", state.down ? "descending" : "ascending");
      else cell.removeAttribute("aria-sort");
    }
    const narrowed = Boolean(state.q || state.status.size || state.sev.size || state.component || state.host);
    document.body.classList.toggle("narrowed", narrowed);
    at("clear").hidden = !narrowed;
    at("none").hidden = matching.length > 0;
    at("rows").replaceChildren();
    drawn = 0;
    more(STEP);
    at("map-says").textContent = word("map_help");
    map.dim(narrowed);
    if (narrowed) for (const row of matching) map.light(data.targets[get(row, TARGET)][0], get(row, CONTROL));
    map.draw();
  }

  function more(count) {
    const until = Math.min(drawn + count, matching.length);
    const rows = document.createDocumentFragment();
    for (; drawn < until; drawn += 1) rows.append(line(matching[drawn]));
    at("rows").append(rows);
    at("more").hidden = drawn >= matching.length;
  }

  function badge(status) {
    return make("span", { class: `badge s-${data.statuses[status][0]}` }, data.statuses[status][tongue + 1]);
  }

  function line(row) {
    const control = data.controls[get(row, CONTROL)];
    const severity = data.severities[control[2]];
    const status = get(row, STATUS);
    const seen = TELLS ? pick(data.seen[get(row, SEEN)]) : "";
    const reason = TELLS ? data.reasons[get(row, REASON)] : "";
    const elsewhere = TELLS ? null : make("a", { href: page(row) }, word("see_page"));
    const opener = make("button", { type: "button", class: "open-it", "aria-expanded": "false", title: word("details") }, badge(status));
    const said = elsewhere || (seen ? make("code", {}, seen) : make("span", { class: "reason" }, reason));
    const calm = ["PASS", "NOT_APPLICABLE"].includes(data.statuses[status][0]);
    const element = make("tr", { class: calm ? "finding calm" : "finding" },
      make("td", {}, opener),
      make("td", {}, make("span", { class: `sev v-${severity[0]}` }, severity[tongue + 1])),
      make("td", {}, names[get(row, TARGET)]),
      make("td", {}, pick(control[3]), make("span", { class: "id" }, control[0])),
      make("td", { "data-label": word("wanted") }, make("code", {}, pick(control[5]))),
      make("td", { "data-label": word("seen") }, said));
    element.addEventListener("click", (event) => {
      if (event.target.closest("a") || String(window.getSelection())) return;
      toggle(element, opener, row);
    });
    return element;
  }

  function toggle(element, opener, row) {
    const open = element.classList.toggle("open");
    opener.setAttribute("aria-expanded", String(open));
    if (open) element.after(detail(row));
    else element.nextElementSibling.remove();
  }

  function detail(row) {
    const control = data.controls[get(row, CONTROL)];
    const list = make("dl", {});
    const tell = (key, ...what) => list.append(make("div", {}, make("dt", {}, word(key)), make("dd", {}, ...what)));
    tell("why", pick(control[4]));
    tell("wanted", make("code", {}, pick(control[5])));
    if (!TELLS) tell("seen", make("a", { href: page(row) }, word("see_page")));
    else if (pick(data.seen[get(row, SEEN)])) tell("seen", make("code", {}, pick(data.seen[get(row, SEEN)])));
    if (TELLS) tell("verdict", make("span", { class: "reason" }, data.reasons[get(row, REASON)]));
    if (get(row, BEFORE) >= 0) tell("was", badge(get(row, BEFORE)));
    if (control[6].length) {
      tell("clauses", ...control[6].map((id) => make("span", { class: "line" }, id, data.clauses[id] ? ` ${data.clauses[id][tongue]}` : "")));
    }
    const probes = TELLS ? data.probes[get(row, PROBES)] : [];
    if (probes.length) tell("asked_with", ...probes.map(probe));
    if (TELLS) tell("taken_at", new Date((data.started + get(row, SECOND)) * 1000).toISOString().replace("T", " ").replace(".000Z", " UTC"));
    tell("source", make("code", {}, control[7]));
    const links = make("p", {},
      make("a", { href: `#control-${get(row, CONTROL)}` }, `${word("control")}: ${control[0]}`), " · ",
      make("a", { href: `#host-${data.targets[get(row, TARGET)][0]}` }, `${word("host")}: ${hostOf(get(row, TARGET))}`));
    return make("tr", { class: "detail" }, make("td", { colspan: "6" }, list, links));
  }

  // The page of many that holds a finding, with a filter that shows it.
  function page(row) {
    const query = `target:"${names[get(row, TARGET)]}" control:${data.controls[get(row, CONTROL)][0]}`;
    return `${data.pages[data.targets[get(row, TARGET)][0]]}#q=${encodeURIComponent(query)}`;
  }

  function probe([command, code, bytes, sha, out, err]) {
    const said = code === null ? word("no_answer") : filled(word("answered"), { code, bytes: grouped(bytes), sha });
    const element = make("div", { class: "probe" }, make("code", {}, command), make("div", { class: "muted" }, said));
    for (const text of [out, err]) if (text) element.append(make("pre", {}, text));
    return element;
  }

  function chips(id, kinds, counts, chosen) {
    const focused = document.activeElement && document.activeElement.dataset ? document.activeElement.dataset.kind : null;
    at(id).replaceChildren(...kinds.map((kind, index) => {
      const chip = make("button", { type: "button", class: "chip", "data-kind": kind[0], "aria-pressed": String(chosen.has(kind[0])) },
        `${kind[tongue + 1]} `, make("b", {}, grouped(counts[index])));
      chip.addEventListener("click", () => {
        if (!chosen.delete(kind[0])) chosen.add(kind[0]);
        changed();
      });
      return chip;
    }));
    if (focused) at(id).querySelector(`[data-kind="${focused}"]`)?.focus();
  }

  function options(id, values, chosen) {
    if (at(id).dataset.tongue !== String(tongue)) at(id).replaceChildren(make("option", { value: "" }, word("any")), ...values.map((value) => make("option", { value }, value)));
    at(id).dataset.tongue = String(tongue);
    at(id).value = chosen;
  }

  // The filter lives in the address, so that a link shows what its sender saw.
  function fragment() {
    const parts = new URLSearchParams();
    if (state.q) parts.set("q", state.q);
    if (state.status.size) parts.set("status", [...state.status].join(","));
    if (state.sev.size) parts.set("sev", [...state.sev].join(","));
    if (state.component) parts.set("component", state.component);
    if (state.host) parts.set("host", state.host);
    if (state.sort) parts.set("sort", (state.down ? "-" : "") + state.sort);
    if (tongue !== opening) parts.set("lang", tongue ? "zh" : "en");
    return String(parts);
  }

  function read() {
    const parts = new URLSearchParams(location.hash.slice(1));
    const known = (key, kinds) => new Set((parts.get(key) || "").split(",").filter((name) => kinds.some((kind) => kind[0] === name)));
    state.q = parts.get("q") || "";
    state.status = known("status", data.statuses);
    state.sev = known("sev", data.severities);
    state.component = parts.get("component") || "";
    state.host = parts.get("host") || "";
    const sorted = (parts.get("sort") || "").replace(/^-/, "");
    state.sort = ["status", "severity", "target", "control"].includes(sorted) ? sorted : "";
    state.down = (parts.get("sort") || "").startsWith("-");
    if (parts.has("lang")) speak(parts.get("lang") === "zh" ? 1 : 0);
  }

  function changed() {
    draw();
    history.replaceState(null, "", `#${fragment()}`);
  }

  function speak(which) {
    tongue = which;
    at(which ? "lang-zh" : "lang-en").checked = true;
    document.documentElement.lang = which ? "zh-Hans" : "en";
  }

  // A link to a host or a control opens what it leads to; a link with a filter applies it.
  function arrive() {
    if (location.hash.includes("=")) {
      read();
      draw();
      at("findings").scrollIntoView();
      return;
    }
    const found = location.hash.length > 1 && at(decodeURIComponent(location.hash.slice(1)));
    if (found && found.tagName === "DETAILS") {
      found.open = true;
      found.scrollIntoView();
    }
  }

  const map = heatMap(at("map"), {
    hosts: data.hosts.length,
    controls: data.controls.length,
    statuses: data.statuses.map((status) => status[0]),
    tell: (cell) => {
      at("map-says").textContent = cell === null ? word("map_help")
        : `${data.hosts[cell.host]} · ${pick(data.controls[cell.control][3])} (${data.controls[cell.control][0]}) · ${cell.status < 0 ? word("not_asked") : data.statuses[cell.status][tongue + 1]}`;
    },
    choose: (host, control) => {
      Object.assign(state, { q: `host:"${data.hosts[host]}" control:${data.controls[control][0]}`, status: new Set(), sev: new Set(), component: "", host: "" });
      changed();
      at("findings").scrollIntoView();
    },
  });
  for (let row = 0; row < COUNT; row += 1) map.put(data.targets[get(row, TARGET)][0], get(row, CONTROL), get(row, STATUS));

  const opening = data.lang === "zh" ? 1 : 0;
  // A browser may have kept the switch of a former visit; the data's language is what the page opens in.
  speak(opening);
  at("without-script").hidden = true;
  at("filter").hidden = COUNT === 0;
  at("list").hidden = false;
  at("heat").hidden = COUNT === 0;
  at("filter").addEventListener("submit", (event) => event.preventDefault());
  at("q").addEventListener("input", () => { state.q = at("q").value; changed(); });
  at("by-component").addEventListener("change", () => { state.component = at("by-component").value; changed(); });
  at("by-host").addEventListener("change", () => { state.host = at("by-host").value; changed(); });
  at("clear").addEventListener("click", () => {
    Object.assign(state, { q: "", status: new Set(), sev: new Set(), component: "", host: "" });
    changed();
    at("q").focus();
  });
  at("more").addEventListener("click", () => more(STEP));
  for (const button of document.querySelectorAll("[data-sort]")) {
    button.addEventListener("click", () => {
      state.down = state.sort === button.dataset.sort && !state.down;
      state.sort = button.dataset.sort;
      changed();
    });
  }
  for (const id of ["lang-en", "lang-zh"]) {
    at(id).addEventListener("change", () => { speak(at("lang-zh").checked ? 1 : 0); changed(); });
  }
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !/^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName)) {
      event.preventDefault();
      at("q").focus();
    } else if (event.key === "Escape" && document.activeElement === at("q") && state.q) {
      state.q = "";
      changed();
    }
  });
  window.addEventListener("hashchange", arrive);
  window.addEventListener("beforeprint", () => {
    if (document.body.classList.contains("narrowed")) more(2000);
    for (const details of document.querySelectorAll("details.printed")) {
      details.dataset.was = String(details.open);
      details.open = true;
    }
  });
  window.addEventListener("afterprint", () => {
    for (const details of document.querySelectorAll("details.printed")) details.open = details.dataset.was === "true";
  });
  if (location.hash.includes("=")) arrive();
  else {
    draw();
    // What a link leads to stands below this script.
    document.addEventListener("DOMContentLoaded", arrive);
  }
  performance.mark("usable");
})();
