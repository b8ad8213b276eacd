/** One bar: how much of what, in which of the chart's colours, and where the target is. */
export interface Bar {
  label: string;
  value: number;
  /** What stands beside it; its value where nothing is said. */
  text?: string;
  target?: number;
  colour: string;
}
/** Bars that are compared with each other. */
export interface Group {
  title: string;
  bars: readonly Bar[];
}

const [WIDTH, LEFT, RIGHT, ROW, GAP, TOP] = [860, 230, 150, 24, 34, 64];

/** The colours of the project's pictures. */
export const colours = { ours: "#a8492f", theirs: "#3a6ea5", missed: "#c9b89a" } as const;

/** Bars as an SVG. `isLog`: from 1 on, each step is ten times the one before; otherwise from 0. */
export function chart(title: string, groups: readonly Group[], { isLog = false, foot = "" } = {}): string {
  const values = groups.flatMap(({ bars }) => bars.flatMap(({ value, target = 0 }) => [value, target]));
  const scaled = (value: number) => (isLog ? Math.log10(Math.max(1, value)) : value);
  const most = isLog ? Math.ceil(scaled(Math.max(...values))) : Math.max(...values);
  const x = (value: number) => LEFT + (scaled(value) / most) * (WIDTH - LEFT - RIGHT);
  const parts: string[] = [];
  let y = TOP;
  for (const { title, bars } of groups) {
    parts.push(`<text class="group" x="16" y="${y}">${escaped(title)}</text>`);
    y += 12;
    for (const { label, value, text = figure(value), target, colour } of bars) {
      const middle = y + ROW / 2 + 4;
      parts.push(
        `<text class="label" x="${LEFT - 10}" y="${middle}">${escaped(label)}</text>`,
        `<rect x="${LEFT}" y="${y + 3}" width="${Math.max(2, x(value) - LEFT).toFixed(1)}" height="${ROW - 6}" rx="3" fill="${colour}"/>`,
        `<text class="value" x="${(Math.max(x(value), x(target ?? 0)) + 8).toFixed(1)}" y="${middle}">${escaped(text)}</text>`,
      );
      if (target !== undefined)
        parts.push(
          `<line class="target" x1="${x(target).toFixed(1)}" x2="${x(target).toFixed(1)}" y1="${y}" y2="${y + ROW}"/>`,
        );
      y += ROW;
    }
    y += GAP;
  }
  const steps = isLog ? Array.from({ length: most + 1 }, (_, power) => 10 ** power) : roundSteps(most);
  const grid = steps.map(
    (step) =>
      `<line class="grid" x1="${x(step)}" x2="${x(step)}" y1="${TOP - 6}" y2="${y - GAP + 6}"/><text class="step" x="${x(step)}" y="${y - GAP + 22}">${figure(step)}</text>`,
  );
  const height = y + (foot ? 30 : 10);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escaped(title)}">
<style>
text { font: 13px Georgia, serif; fill: #2b2b2b }
.title { font-size: 18px; font-weight: bold } .group { font-weight: bold }
.label { text-anchor: end } .step, .foot { font-size: 11px; fill: #7a6f60 } .step { text-anchor: middle }
.grid { stroke: #e2d6c0 } .target { stroke: #2b2b2b; stroke-width: 2 }
</style>
<rect width="${WIDTH}" height="${height}" fill="#faf6ee"/>
<text class="title" x="16" y="28">${escaped(title)}</text>
${grid.join("\n")}
${parts.join("\n")}
${foot ? `<text class="foot" x="16" y="${height - 12}">${escaped(foot)}</text>` : ""}
</svg>
`;
}

/** Four to eight, at 1, 2 or 5 times a power of ten. */
function roundSteps(most: number): number[] {
  const power = 10 ** Math.floor(Math.log10(most));
  const step = ([0.2, 0.5, 1, 2].find((part) => most / (part * power) <= 8) ?? 2) * power;
  return Array.from({ length: Math.floor(most / step) + 1 }, (_, n) => n * step);
}

const figure = (value: number): string =>
  value >= 10 || Number.isInteger(value) ? Math.round(value).toLocaleString("en") : value.toPrecision(2);
const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
