// One shape for each state, so that no state is told by colour alone.

import { LabIcon } from '@jupyterlab/ui-components';

import type { State } from './api';
import type { ICluster } from './clustersApi';

function glyph(name: string, shape: string): LabIcon {
  return new LabIcon({
    name: `first-jupyter:${name}`,
    svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 16 16"><g class="jp-icon3" fill="#616161">${shape}</g></svg>`
  });
}

const ring = (inside: string): string =>
  `<path fill-rule="evenodd" d="M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2zm0 1.5a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9z"/>${inside}`;

const icons: Record<State, LabIcon> = {
  /** A full circle. */
  hot: glyph('hot', '<circle cx="8" cy="8" r="6"/>'),
  /** A circle, half filled. */
  starting: glyph('starting', ring('<path d="M8 3a5 5 0 0 1 0 10z"/>')),
  /** A clock. */
  queued: glyph(
    'queued',
    ring('<path d="M7.3 4.8h1.4v3l2.2 1.3-.7 1.2-2.9-1.8z"/>')
  ),
  /** An empty circle. */
  cold: glyph('cold', ring('')),
  /** An arrow downwards. */
  draining: glyph(
    'draining',
    ring('<path d="M7.3 4.8h1.4v3.4h2L8 11.2 5.3 8.2h2z"/>')
  ),
  /** A circle, struck through. */
  offline: glyph(
    'offline',
    ring('<path d="M4.4 10.5l6.1-6.1 1.1 1.1-6.1 6.1z"/>')
  )
};

/** A node, and the spark that comes from it. */
export const firstIcon = new LabIcon({
  name: 'first-jupyter:first',
  svgstr:
    '<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24"><g class="jp-icon3 jp-icon-selectable" fill="#616161"><path d="M15.5 1.5l1.5 4 4 1.5-4 1.5-1.5 4-1.5-4-4-1.5 4-1.5z"/><path fill-rule="evenodd" d="M4.5 12h6a5.6 5.6 0 0 0 2.4 2H5v2h14v-3.4q1-.8 1.6-1.9.4.5.4 1.1v4.7q0 1.5-1.5 1.5h-15Q3 18 3 16.500v-3Q3 12 4.500 12z"/><path d="M3 19.500h18V22H3z"/></g></svg>'
});

/** An exclamation mark in a circle: FIRST itself is not there. */
export const unavailableIcon = glyph(
  'unavailable',
  ring('<path d="M7.3 4.6h1.4v4.3H7.3zM7.3 9.9h1.4v1.5H7.3z"/>')
);

export function iconOf(state: State): LabIcon {
  return icons[state];
}

/** A cluster is there, as a hot model is, or is not, or nobody knows. */
export function clusterIcon(state: ICluster['state']): LabIcon {
  return { online: icons.hot, offline: icons.offline, unknown: icons.cold }[
    state
  ];
}

/** A bulb. */
export const explainIcon = glyph(
  'explain',
  '<path d="M8 1.5a4.5 4.5 0 0 0-2.5 8.2V11h5V9.7A4.5 4.5 0 0 0 8 1.5zM5.5 12h5v1h-5zM6.5 14h3v1h-3z"/>'
);
