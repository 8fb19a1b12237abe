/** The map of days: each where the two axes put it on which days differ the most. */

import { QUIET, colour, layout, plain, plotly } from './plotly.js';

const MARGIN = { l: 12, r: 12, t: 8, b: 28 };

export class DayMap {
  constructor(node, chosen) {
    this.node = node;
    this.chosen = chosen;
    this.drawn = false;
    this.alike = [];
  }

  async draw(told, labels, day) {
    Object.assign(this, { told, labels, day }); // before Plotly is there: what is marked meanwhile is newer
    this.places = new Map(told.as_of.map((each, at) => [each, at]));
    const Plotly = await plotly();
    await Plotly.react(this.node, this.points(), this.layout(), QUIET);
    if (this.drawn) return;
    this.drawn = true;
    this.node.on('plotly_click', ({ points }) => this.chosen(points[0].customdata));
  }

  /** Stands on a day, with the days alike by their rank in the table. */
  async mark(day, alike) {
    Object.assign(this, { day, alike });
    if (this.drawn) await (await plotly()).relayout(this.node, { shapes: this.rings(), annotations: this.ranks() });
  }

  /** The days by label; those without one stand first. */
  points() {
    return [null, ...this.labels.names].map((name) => {
      const places = this.told.as_of.map((_, at) => at).filter((at) => this.told.label[at] === name);
      const look = name === null
        ? { color: colour('edge'), symbol: 'circle-open' }
        : { color: colour(`tone-${this.labels.tone(name)}`), symbol: this.labels.shape(name) };
      return {
        ...this.at(places),
        mode: 'markers',
        marker: { size: 7, opacity: 0.7, ...look },
        hovertemplate: `%{customdata}${name === null ? '' : ` · ${plain(name)}`}<extra></extra>`,
      };
    });
  }

  /** A ring around the day, and a smaller one around each of the days alike; drawn over the points, which stay as they are. */
  rings() {
    const ring = (day, radius, color, width) => {
      const [x, y] = this.place(day);
      const size = { x0: -radius, x1: radius, y0: -radius, y1: radius };
      return { type: 'circle', xsizemode: 'pixel', ysizemode: 'pixel', xanchor: x, yanchor: y, ...size, line: { color, width } };
    };
    const found = [...this.alike, this.day].filter((day) => this.places.has(day));
    return found.map((day) => (day === this.day ? ring(day, 10, colour('loud'), 3) : ring(day, 6, colour('text'), 1.5)));
  }

  ranks() {
    const found = this.alike.map((day, at) => [day, at + 1]).filter(([day]) => this.places.has(day));
    const font = { color: colour('text'), size: 12 };
    return found.map(([day, rank]) => {
      const [x, y] = this.place(day);
      return { x, y, text: String(rank), yshift: 14, showarrow: false, font };
    });
  }

  place(day) {
    const at = this.places.get(day);
    return [this.told.x[at], this.told.y[at]];
  }

  at(places) {
    const { as_of: days, x, y } = this.told;
    return { x: places.map((at) => x[at]), y: places.map((at) => y[at]), customdata: places.map((at) => days[at]) };
  }

  layout() {
    const axis = { showticklabels: false, gridcolor: colour('grid'), zeroline: false };
    return layout(this.node, {
      margin: MARGIN,
      hovermode: 'closest',
      shapes: this.rings(),
      annotations: this.ranks(),
      xaxis: { ...axis, title: { text: this.title(0), standoff: 4 } },
      yaxis: { ...axis, scaleanchor: 'x' },
    });
  }

  title(at) {
    return `across: ${Math.round(100 * this.told.explained[at])} % of the differences, up: ${Math.round(100 * this.told.explained[1])} %`;
  }
}
