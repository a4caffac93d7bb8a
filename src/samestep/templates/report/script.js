"use strict";
(() => {
  const make = (tag, properties = {}, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  };

  // A choice is remembered where that is allowed; a page that is opened as a file may be refused.
  const remembered = () => { try { return localStorage.getItem("samestep-version"); } catch { return null; } };
  const remember = (label) => { try { localStorage.setItem("samestep-version", label); } catch { /* then not */ } };

  // --- Tabs: versions of the code. A choice holds for all exercises. -----------------------------
  const groups = [...document.querySelectorAll(".tabs")].map(makeTabs);
  let version = remembered();
  showVersion();
  window.addEventListener("resize", showVersion); // a wide version has no room on a narrow screen

  function makeTabs(group, number) {
    const panels = [...group.querySelectorAll("[data-label]")];
    const list = make("div", { role: "tablist", ariaLabel: "Versions of the code" });
    const tabs = panels.map((panel, i) => {
      const tab = make("button", { type: "button", role: "tab", className: panel.className }, panel.dataset.label);
      tab.id = `version-${number}-${i}-tab`;
      panel.id = `version-${number}-${i}`;
      tab.setAttribute("aria-controls", panel.id);
      panel.role = "tabpanel";
      panel.setAttribute("aria-labelledby", tab.id);
      panel.querySelector("h4").hidden = true;
      tab.addEventListener("click", () => {
        version = panel.dataset.label;
        remember(version);
        showVersion();
      });
      return tab;
    });
    list.append(...tabs);
    list.addEventListener("keydown", (event) => {
      const shown = tabs.filter(isPossible);
      const now = shown.indexOf(document.activeElement);
      const next = { ArrowRight: now + 1, ArrowLeft: now - 1, Home: 0, End: -1 }[event.key];
      if (next === undefined) return;
      event.preventDefault();
      const tab = shown.at(next % shown.length);
      tab.click();
      tab.focus();
    });
    group.prepend(list);
    return { panels, tabs };
  }

  function isPossible(tab) {
    return getComputedStyle(tab).display !== "none";
  }

  function showVersion() {
    // All are looked at before any is changed: the browser lays the page out but once.
    const possible = groups.map(({ panels, tabs }) => panels.filter((_, i) => isPossible(tabs[i])));
    groups.forEach(({ panels, tabs }, number) => {
      const shown = possible[number];
      const chosen = shown.find((panel) => panel.dataset.label === version) ?? shown[0];
      panels.forEach((panel, i) => {
        panel.hidden = panel !== chosen;
        tabs[i].ariaSelected = String(panel === chosen);
        tabs[i].tabIndex = panel === chosen ? 0 : -1;
      });
    });
  }

  // --- Replays: every frame is in the page; the slider says which one stands out. -----------------
  for (const figure of document.querySelectorAll(".replay")) {
    const range = figure.querySelector("input");
    const button = figure.querySelector("button");
    const frames = [...figure.querySelectorAll(".panels svg")].map((svg) => svg.querySelectorAll(".frame"));
    const words = [...figure.querySelectorAll("tbody tr")].map((row) => [...row.cells].map((cell) => cell.textContent));
    let timer = null;

    const show = () => {
      const now = Number(range.value);
      for (const panel of frames) panel.forEach((frame, i) => frame.classList.toggle("current", i === now));
      const [label, outcome] = words[now];
      range.ariaValueText = label;
      figure.querySelector("output").textContent = `${figure.querySelector("label").textContent} ${label}: ${outcome}`;
    };
    const stop = () => {
      clearInterval(timer);
      timer = null;
      button.textContent = "Play";
    };
    range.addEventListener("input", () => { stop(); show(); });
    button.addEventListener("click", () => {
      if (timer !== null) return stop();
      if (range.value === range.max) range.value = range.min;
      button.textContent = "Stop";
      timer = setInterval(() => {
        range.stepUp();
        show();
        if (range.value === range.max) stop();
      }, 900);
      show();
    });
    figure.classList.add("playing");
    figure.querySelector(".controls").hidden = false;
    show();
  }

  // --- Tables: a search box and columns that sort; each row is a tbody, with its details. ---------
  document.querySelectorAll(".samestep-table").forEach((box, number) => {
    const table = box.querySelector("table");
    const rows = [...table.tBodies];
    const headers = [...table.tHead.rows[0].cells];
    headers.forEach((header, column) => {
      const button = make("button", { type: "button" }, ...header.childNodes);
      header.append(button);
      button.addEventListener("click", () => {
        const down = header.ariaSort === "ascending";
        for (const other of headers) other.ariaSort = null;
        header.ariaSort = down ? "descending" : "ascending";
        const keyed = rows.map((row) => [keyOf(row.rows[0].cells[column]), row]);
        keyed.sort(([a], [b]) => compare(a, b, down));
        table.append(...keyed.map(([, row]) => row));
      });
    });
    if (rows.length < 8) return;
    const input = make("input", { type: "search", id: `search-${number}` });
    const label = make("label", { htmlFor: input.id }, "Search this table");
    const count = make("output", { htmlFor: input.id }, `${rows.length} rows`);
    let texts = null;
    input.addEventListener("input", () => {
      texts ??= rows.map((row) => row.textContent.toLowerCase());
      const wanted = input.value.toLowerCase().split(/\s+/);
      const found = texts.map((text) => wanted.every((word) => text.includes(word)));
      rows.forEach((row, i) => { row.hidden = !found[i]; });
      count.textContent = `${found.filter(Boolean).length} of ${rows.length} rows`;
    });
    box.prepend(make("div", { className: "search" }, label, input, count));
  });

  function keyOf(cell) {
    const text = cell.dataset.value ?? cell.textContent.trim();
    const number = text === "" ? NaN : Number(text.replace(/^(-?)inf$/, "$1Infinity"));
    return { text, number };
  }

  function compare(a, b, down) {
    const missing = (key) => key.text === "" || key.text === "nan";
    if (missing(a) || missing(b)) return missing(a) - missing(b); // last in either order
    const numbers = !Number.isNaN(a.number) && !Number.isNaN(b.number);
    const order = numbers ? (a.number > b.number) - (a.number < b.number) : a.text.localeCompare(b.text);
    return down ? -order : order;
  }

  // --- What is too wide can be scrolled with the keyboard. -----------------------------------------
  const observer = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      if (target.scrollWidth > target.clientWidth) {
        target.tabIndex = 0;
      } else {
        target.removeAttribute("tabindex");
      }
    }
  });
  document.querySelectorAll(".scroll, pre").forEach((element) => observer.observe(element));

  // --- A link leads to what is folded away; paper shows the evidence of the claims. ---------------
  const reveal = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    for (let box = target?.closest("details"); box; box = box.parentElement.closest("details")) box.open = true;
    target?.scrollIntoView();
  };
  window.addEventListener("hashchange", reveal);
  if (location.hash) reveal();

  let opened = [];
  window.addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("details.claim:not([open])")];
    for (const claim of opened) claim.open = true;
  });
  window.addEventListener("afterprint", () => {
    for (const claim of opened) claim.open = false;
  });
})();
