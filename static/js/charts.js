/* Draws every [data-fw-chart] from the JSON beside it, in the page's colours and language; again when they change. */
(() => {
  "use strict";
  const LANGUAGE = document.documentElement.lang || "en";
  const CHINESE = LANGUAGE.startsWith("zh");
  const TICKS = 5;
  const MOST_DIGITS = 4; // decimals of an axis's steps

  if (CHINESE) {
    const months = Array.from({ length: 12 }, (_, i) => `${i + 1}月`);
    Plotly.register({
      moduleType: "locale",
      name: "zh-CN",
      dictionary: {},
      format: {
        days: ["星期日", "星期一", "星期二", "星期三", "星期四", "星期五", "星期六"],
        shortDays: ["周日", "周一", "周二", "周三", "周四", "周五", "周六"],
        months,
        shortMonths: months,
        date: "%Y-%m-%d",
        year: "%Y年",
        month: "%Y年%-m月",
        dayMonth: "%-m月%-d日",
        dayMonthYear: "%Y年%-m月%-d日",
      },
    });
  }

  function colour(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(`--fw-${name}`).trim();
  }

  function withOpacity(hex, opacity) {
    const [r, g, b] = [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
    return `rgba(${r},${g},${b},${opacity})`;
  }

  const COLOURED = /color(scale|way)?$/;
  const TEMPLATES = new Set(["hovertemplate", "texttemplate"]); // our own; what they are filled with is escaped
  const ENTITIES = { "&": "&amp;", "<": "&lt;", ">": "&gt;" };

  function paint(text) {
    if (!text.startsWith("@")) return text;
    const [name, opacity] = text.slice(1).split("/");
    const hex = colour(name);
    return opacity && hex ? withOpacity(hex, opacity) : hex;
  }

  /* "@market" and "@market/0.3" become colours where a colour belongs; every other text is shown as it is written
     (Plotly would take tags in a name for its own). */
  function prepared(value, key = "") {
    if (Array.isArray(value)) return value.map((inner) => prepared(inner, key));
    if (value && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, prepared(inner, name)]));
    }
    if (typeof value !== "string" || TEMPLATES.has(key)) return value;
    return COLOURED.test(key) ? paint(value) : value.replace(/[&<>]/g, (sign) => ENTITIES[sign]);
  }

  function formatter(format, digits) {
    const options = { maximumFractionDigits: digits };
    if (format === "percent") options.style = "percent";
    else if (format === "number") options.notation = "compact";
    else Object.assign(options, { style: "currency", currency: format, notation: "compact", minimumFractionDigits: digits > 1 ? digits : 0 });
    return new Intl.NumberFormat(CHINESE ? "zh-CN" : "en-US", options);
  }

  /* The words of an axis's steps, with as few decimals as tell them apart. */
  function stepWords(values, format) {
    let words = [];
    for (let digits = 1; digits <= MOST_DIGITS; digits += 1) {
      const { format: write } = formatter(format, digits);
      words = values.map((value) => write(value));
      if (new Set(words).size === words.length) break;
    }
    return words;
  }

  /* How Plotly writes a point's value on an axis when it is pointed at. */
  function hoverFormat(type, format) {
    if (type === "date") return CHINESE ? "%Y年%-m月%-d日" : "%-d %b %Y";
    if (format === "percent") return ".2~%";
    return format ? ",.2~f" : undefined;
  }

  /* Round steps of 1, 2 or 5 through a range. */
  function steps([low, high]) {
    const rough = (high - low) / TICKS;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= rough);
    const ticks = [];
    for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i += 1) ticks.push(Number((i * step).toPrecision(12)));
    return ticks;
  }

  function baseLayout() {
    const axis = {
      fixedrange: true,
      automargin: true,
      gridcolor: colour("grid"),
      linecolor: colour("line"),
      zerolinecolor: colour("line"),
      tickcolor: colour("line"),
    };
    return {
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: getComputedStyle(document.body).fontFamily, size: 12, color: colour("muted") },
      colorway: ["conversion", "accent", "market", "aftersales", "rose", "olive", "sky", "slate"].map(colour),
      hoverlabel: { bgcolor: colour("ink"), bordercolor: colour("ink"), font: { color: colour("surface"), size: 12 }, namelength: -1 },
      legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom", font: { color: colour("muted") } },
      margin: { l: 8, r: 12, t: 8, b: 8 },
      bargap: 0.35,
      dragmode: false,
      axis,
    };
  }

  function layoutOf(figure) {
    const { axis, ...base } = baseLayout();
    const own = prepared(figure.layout || {});
    const formats = {};
    const layout = { ...base, ...own };
    for (const name of new Set(["xaxis", "yaxis", ...Object.keys(own).filter((key) => /^[xy]axis\d*$/.test(key))])) {
      const { fw_format: format, ...rest } = own[name] || {};
      layout[name] = { ...axis, hoverformat: hoverFormat(rest.type, format), ...rest };
      if (format) formats[name] = format;
    }
    return { layout, formats };
  }

  async function draw(box) {
    const source = document.getElementById(box.dataset.fwChart);
    if (!source) return;
    const figure = JSON.parse(source.textContent);
    const { layout, formats } = layoutOf(figure);
    const config = { responsive: true, displayModeBar: false, displaylogo: false, locale: CHINESE ? "zh-CN" : "en" };
    await Plotly.react(box, prepared(figure.data), layout, config);
    const labels = {};
    for (const [name, format] of Object.entries(formats)) {
      const values = steps(box.layout[name].range);
      labels[`${name}.tickvals`] = values;
      labels[`${name}.ticktext`] = stepWords(values, format);
      labels[`${name}.range`] = box.layout[name].range;
    }
    if (Object.keys(labels).length) await Plotly.relayout(box, labels);
    box.dataset.fwDrawn = "true";
  }

  function drawAll(root = document) {
    for (const box of root.querySelectorAll("[data-fw-chart]")) draw(box);
  }

  document.addEventListener("flywheel:theme", () => drawAll());
  document.addEventListener("htmx:after:swap", () => {
    for (const box of document.querySelectorAll("[data-fw-chart]:not([data-fw-drawn])")) draw(box);
  });
  drawAll();
})();
