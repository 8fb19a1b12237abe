/** Plotly, loaded once it is needed: it is large, and the words of the page can be read before it is there. */

/** No bar of tools and no tips: what can be done is said in words beside the charts. */
export const QUIET = { displayModeBar: false, doubleClick: 'reset', responsive: true, scrollZoom: false, showTips: false };
const DARK = matchMedia('(prefers-color-scheme: dark)');
const COARSE = matchMedia('(pointer: coarse)');

let loading = null;

export function plotly() {
  loading ??= new Promise((loaded, failed) => {
    const script = document.createElement('script');
    script.src = new URL('plotly.min.js', import.meta.url).href;
    script.onload = () => loaded(globalThis.Plotly);
    script.onerror = () => {
      loading = null;
      failed(new Error('The charts could not be loaded; the table and the day need none.'));
    };
    document.head.append(script);
  });
  return loading;
}

/** A colour of the style sheet, as it is in the scheme of now. */
export function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

export function whenSchemeChanges(then) {
  DARK.addEventListener('change', then);
}

/** Text for a chart. Plotly reads some markup in texts: so nothing that comes from outside may have any. */
export function plain(text) {
  return String(text).replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
}

/** What both charts have: the page's colours and font. On a touch screen dragging scrolls the page. */
export function layout(node, more) {
  return {
    paper_bgcolor: 'rgba(0,0,0,0)',
    plot_bgcolor: 'rgba(0,0,0,0)',
    font: { family: getComputedStyle(document.body).fontFamily, size: 12, color: colour('quiet') },
    hoverlabel: { bgcolor: colour('card'), bordercolor: colour('edge'), font: { color: colour('text'), size: 13 } },
    showlegend: false,
    dragmode: COARSE.matches ? false : 'zoom',
    width: node.clientWidth,
    height: node.clientHeight,
    ...more,
  };
}
