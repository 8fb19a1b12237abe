/** Labels of regimes: their order, and a colour and a shape for each, so that neither has to be seen for the other. */

import { element } from './elements.js';

const CALM_TO_STRESSED = ['NEUTRAL', 'CALM', 'NORMAL', 'ELEVATED', 'STRESSED', 'EXTREME'];
const TONES = 10;
const SHAPES = [
  'circle', 'circle', 'square', 'diamond', 'triangle-up', 'x', 'star', 'hexagon', 'cross', 'triangle-down',
];
const PATHS = {
  circle: 'M8 2a6 6 0 1 0 .01 0z',
  square: 'M2.5 2.5h11v11h-11z',
  diamond: 'M8 1l7 7-7 7-7-7z',
  'triangle-up': 'M8 1.5l7 12.5H1z',
  x: 'M3.5 1L8 5.5 12.5 1 15 3.5 10.5 8l4.5 4.5-2.5 2.5L8 10.5 3.5 15 1 12.5 5.5 8 1 3.5z',
  star: 'M8 1l2 5h5l-4 3 1.6 5L8 11l-4.6 3L5 9 1 6h5z',
  hexagon: 'M8 1l6.2 3.5v7L8 15l-6.2-3.5v-7z',
  cross: 'M5.5 1h5v4.5H15v5h-4.5V15h-5v-4.5H1v-5h4.5z',
  'triangle-down': 'M8 14.5L1 2h14z',
};
const SVG = 'http://www.w3.org/2000/svg';

/** The labels that days have, from calm to stressed, then others by name; each has a tone and a shape of its own. */
export class Labels {
  constructor(labels) {
    const found = [...new Set(labels)].filter((label) => label !== null);
    const known = CALM_TO_STRESSED.filter((label) => found.includes(label));
    const others = found.filter((label) => !CALM_TO_STRESSED.includes(label)).sort();
    this.names = [...known, ...others];
    this.others = others;
  }

  /** From 0 to 9; of more labels than that some share it. */
  tone(label) {
    const at = CALM_TO_STRESSED.indexOf(label);
    if (at >= 0) return at;
    const first = CALM_TO_STRESSED.length;
    return first + (this.others.indexOf(label) % (TONES - first));
  }

  shape(label) {
    return SHAPES[this.tone(label)];
  }

  /** The label with its mark, for a legend or a table. */
  shown(label, more = '') {
    const mark = document.createElementNS(SVG, 'svg');
    mark.setAttribute('viewBox', '0 0 16 16');
    mark.setAttribute('aria-hidden', 'true');
    mark.setAttribute('class', `tone-${this.tone(label)}`);
    const path = document.createElementNS(SVG, 'path');
    path.setAttribute('d', PATHS[this.shape(label)]);
    path.setAttribute('fill', 'currentColor');
    mark.append(path);
    return element('span', { className: 'label' }, mark, `${label}${more}`);
  }
}
