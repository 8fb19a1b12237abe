/** The timeline: lanes of labels, distances, closes and articles above one axis of days. */

import { QUIET, colour, layout, plain, plotly } from './plotly.js';
import { daysBetween, figure, percent, plusDays, price, several } from './words.js';

export const MARGIN = { l: 74, r: 14, t: 4, b: 40 };
const LANE_PIXELS = 19;
const TITLE_PIXELS = 24;
const LONGEST_TICK = 10;
const DATE_PIXELS = 80;
/** Plotly takes as few as half of the ticks that it may: so many let a narrow chart have three. */
const FEWEST_TICKS = 6;
/** What the lanes show, from above. */
const COLUMNS = ['label', 'distance', 'price', 'articles'];
const FEW = 4;
const DAY_MS = 86_400_000;
const LONGEST_BREAK_MS = 7 * DAY_MS;
/** How the space below the lanes is shared. */
const PARTS = { distance: 0.34, price: 0.44, articles: 0.22 };

export class Timeline {
  /** `chosen(day)` is called when a day is pressed, `spanned(span)` when the pointer has drawn one or asks for all. */
  constructor(node, { chosen, spanned }) {
    this.node = node;
    this.told = { chosen, spanned };
    this.drawn = false;
  }

  async draw(days, labels, span, day) {
    Object.assign(this, { days, labels, span, day }); // before Plotly is there: what is marked meanwhile is newer
    const Plotly = await plotly();
    await Plotly.react(this.node, this.traces(), this.layout(), { ...QUIET, doubleClick: false });
    if (this.drawn) return;
    this.drawn = true;
    this.node.on('plotly_click', ({ points }) => this.told.chosen(String(points[0].x).slice(0, 10)));
    this.node.on('plotly_relayout', (changed) => {
      const [first, last] = [changed['xaxis.range[0]'], changed['xaxis.range[1]']];
      if (first && last) this.told.spanned(drawnOver(first, last));
    });
    this.node.on('plotly_doubleclick', () => this.told.spanned([this.days.as_of[0], this.days.newest]));
  }

  /** Stands on another day. */
  async mark(day) {
    this.day = day;
    if (this.drawn) await (await plotly()).relayout(this.node, { shapes: this.shapes() });
  }

  traces() {
    const { times: x, price: closes, articles } = this.days;
    const line = { mode: 'lines', x, hoverinfo: 'skip' };
    return [
      ...this.lanes(),
      this.stems(),
      this.unusual(),
      { ...line, y: closes, yaxis: 'y2', connectgaps: true, line: { width: 1.6, color: colour('price') } },
      { ...line, y: articles, yaxis: 'y', line: { width: 1, shape: 'hvh', color: colour('tone-6') }, fill: 'tozeroy' },
      ...['y4', 'y3', 'y2', 'y'].map((yaxis) => this.words(yaxis)),
    ];
  }

  /** A thick line a label, from each day that has it to the next one: runs of days, however many there are. */
  lanes() {
    const { times, label } = this.days;
    const isNear = (at) => times[at + 1] - times[at] <= LONGEST_BREAK_MS;
    return this.labels.names.map((name, lane) => {
      const [x, y] = [[], []];
      for (let at = 0; at < times.length; at += 1) {
        if (label[at] !== name) continue;
        const first = at;
        while (label[at + 1] === name && isNear(at)) at += 1;
        x.push(times[first], isNear(at) ? times[at + 1] : times[at] + DAY_MS, null);
        y.push(lane, lane, null);
      }
      const line = { width: LANE_PIXELS - 6, color: colour(`tone-${this.labels.tone(name)}`) };
      return { mode: 'lines', x, y, yaxis: 'y4', line, hoverinfo: 'skip' };
    });
  }

  /** A line that is not seen, with what is said of each day under the pointer, also of those that lack a value. */
  words(yaxis) {
    const { label, confidence, distance, price: closes, articles } = this.days;
    const said = {
      y4: () => label.map((name, at) => (name === null ? 'no label' : `${plain(name)}, ${percent(confidence[at] ?? 0)} sure`)),
      y3: () => distance.map((value) => (value === null ? 'no distance' : `distance ${figure(value)}`)),
      y2: () => closes.map((value) => (value === null ? 'no close' : `close ${price(value)}`)),
      y: () => articles.map((value) => (value === null ? 'articles not known' : several(value, 'article'))),
    }[yaxis]();
    const level = yaxis === 'y2' ? this.bounds('price')[0] : 0;
    const y = this.days.times.map(() => level);
    return { mode: 'lines', x: this.days.times, y, yaxis, text: said, line: { width: 0 }, hovertemplate: '%{text}<extra></extra>' };
  }

  stems() {
    const [x, y] = [[], []];
    this.days.distance.forEach((value, at) => {
      if (value === null) return;
      x.push(this.days.times[at], this.days.times[at], null);
      y.push(0, value, null);
    });
    return { mode: 'lines', x, y, yaxis: 'y3', line: { width: 1.3, color: colour('accent') }, hoverinfo: 'skip' };
  }

  /** The days of unusually long steps, by a mark as well as by their height. */
  unusual() {
    const places = [...this.days.times.keys()].filter((at) => this.days.isUnusual(at));
    return {
      mode: 'markers',
      x: places.map((at) => this.days.times[at]),
      y: places.map((at) => this.days.distance[at]),
      yaxis: 'y3',
      marker: { size: 6, symbol: 'diamond', color: colour('loud') },
      hoverinfo: 'skip',
    };
  }

  layout() {
    const inside = this.node.clientHeight - MARGIN.t - MARGIN.b;
    const lanes = Math.max(this.labels.names.length, 1) * LANE_PIXELS;
    const left = inside - lanes - 4 * TITLE_PIXELS;
    const heights = [lanes, PARTS.distance * left, PARTS.price * left, PARTS.articles * left];
    const titles = [
      'Regime: what the prices look like',
      'Distance from the last day with a vector',
      this.days.instrument === null ? 'Close' : `Close of ${plain(this.days.instrument)}`,
      'Articles a day',
    ].map((title, at) => (this.seen(COLUMNS[at]).length ? title : `${title} – none in these days`));
    const [axes, annotations] = [{}, []];
    let top = inside;
    heights.forEach((height, at) => {
      top -= TITLE_PIXELS;
      const domain = [Math.max(top - height, 0) / inside, top / inside];
      axes[['yaxis4', 'yaxis3', 'yaxis2', 'yaxis'][at]] = { ...this.axis(at), domain };
      annotations.push(this.title(titles[at], top / inside));
      top -= height;
    });
    return layout(this.node, {
      margin: MARGIN,
      hovermode: 'x unified',
      hoversubplots: 'axis',
      hoverdistance: -1,
      spikedistance: -1,
      annotations,
      shapes: this.shapes(),
      ...axes,
      xaxis: {
        type: 'date',
        ticklabelstandoff: 4,
        range: [`${this.span[0]} 00:00`, plusDays(this.span[1], 1)],
        nticks: Math.min(daysBetween(...this.span) + 1, Math.max(Math.floor(this.node.clientWidth / DATE_PIXELS), FEWEST_TICKS)), // no hours
        gridcolor: colour('grid'),
        hoverformat: '%a %Y-%m-%d',
        anchor: 'free',
        position: 0,
        showspikes: true,
        spikemode: 'across',
        spikethickness: -2, // without the seam that Plotly draws around it
        spikedash: 'dot',
        spikecolor: colour('edge'),
      },
    });
  }

  /** The vertical axes. What is in sight fills them. */
  axis(at) {
    const column = COLUMNS[at];
    const common = { fixedrange: true, gridcolor: colour('grid'), zeroline: false, nticks: 4, showticklabels: this.seen(column).length > 0 };
    if (at === 0) {
      const { names } = this.labels;
      const shown = names.map((name) => plain(name.length > LONGEST_TICK ? `${name.slice(0, LONGEST_TICK - 1)}…` : name));
      return { ...common, showgrid: false, range: [-0.5, Math.max(names.length, 1) - 0.5], tickvals: names.map((_, n) => n), ticktext: shown };
    }
    const [low, high] = this.bounds(column);
    const room = (high - low || 1) * 0.06;
    if (at === 2) return { ...common, range: [low - room, high + room] };
    const whole = at === 3 && high <= FEW ? { dtick: 1 } : {}; // there is no half an article
    return { ...common, ...whole, range: [0, (high || 1) + room] };
  }

  bounds(column) {
    const seen = this.seen(column);
    return seen.length ? [Math.min(...seen), Math.max(...seen)] : [0, 1];
  }

  /** The values of a column in the days that are shown. */
  seen(column) {
    const { days } = this;
    const [first, end] = [days.firstFrom(this.span[0]), days.firstFrom(plusDays(this.span[1], 1))];
    return days[column].slice(first, end).filter((value) => value !== null);
  }

  title(text, y) {
    return {
      text,
      x: 0,
      y,
      xref: 'paper',
      yref: 'paper',
      xanchor: 'left',
      yanchor: 'bottom',
      showarrow: false,
      font: { size: 12, color: colour('text') },
    };
  }

  shapes() {
    const noon = `${this.day} 00:00`;
    const line = { color: colour('loud'), width: 1.5 };
    return this.day === null ? [] : [{ type: 'line', xref: 'x', yref: 'paper', x0: noon, x1: noon, y0: 0, y1: 1, line }];
  }
}

/**
 * The first and the last day of a drawn range, whose ends are Plotly's times. A day is in it where most of its width was
 * drawn over: so a range that ends where the chart ends has no day more, and a pixel beside a day's begin is that begin.
 */
function drawnOver(first, last) {
  const midnight = (time) => plusDays('1970-01-01', Math.round(Date.parse(`${time.slice(0, 10)}T${time.slice(11) || '00:00'}Z`) / DAY_MS));
  const [begins, ends] = [first, last].map(midnight);
  return [begins, begins < ends ? plusDays(ends, -1) : begins];
}
