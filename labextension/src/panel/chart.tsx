// The requests of the last 30 days as a small bar chart, and the same as a table.

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { IDay } from '../usageApi';
import { bars, count, nodeHours } from './figures';

const STEP = 10;
const GAP = 2;
const HEIGHT = 60;
/** So that a day with a single request can be seen. */
const LEAST = 2;

interface IChartProps {
  days: readonly IDay[];
  trans: TranslationBundle;
}

export function Chart({ days, trans }: IChartProps): JSX.Element {
  const most = Math.max(0, ...days.map(day => day.requests));
  return (
    <figure className="jp-FirstPanel-figure">
      <figcaption>{trans.__('Requests a day, %1 at most', most)}</figcaption>
      <svg
        className="jp-FirstPanel-chart"
        viewBox={`0 0 ${days.length * STEP} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={trans.__(
          'Bar chart of the requests of each day; the table below has the figures'
        )}
      >
        {bars(days, trans).map(({ day, height, failed, text }, index) => {
          const tall = height > 0 ? Math.max(LEAST, height * HEIGHT) : 0;
          const [x, width] = [index * STEP + GAP / 2, STEP - GAP];
          return (
            <g key={day}>
              <title>{text}</title>
              {/* The whole column answers to the pointer. */}
              <rect x={x} y={0} width={width} height={HEIGHT} opacity={0} />
              <rect
                className="jp-FirstPanel-chartBar"
                x={x}
                y={HEIGHT - tall}
                width={width}
                height={tall}
              />
              <rect
                className="jp-FirstPanel-chartFailed"
                x={x}
                y={HEIGHT - tall}
                width={width}
                height={failed * HEIGHT}
              />
            </g>
          );
        })}
      </svg>
      <div className="jp-FirstPanel-chartEnds" aria-hidden>
        <span>{days[0]?.day}</span>
        <span>{trans.__('today')}</span>
      </div>
      <details>
        <summary>{trans.__('Day by day')}</summary>
        <Days days={days} trans={trans} />
      </details>
    </figure>
  );
}

function Days({ days, trans }: IChartProps): JSX.Element {
  return (
    <table className="jp-FirstPanel-table">
      <thead>
        <tr>
          <th scope="col">{trans.__('Day')}</th>
          <th scope="col">{trans.__('Requests')}</th>
          <th scope="col">{trans.__('Tokens')}</th>
          <th scope="col">{trans.__('Node-hours')}</th>
        </tr>
      </thead>
      <tbody>
        {[...days].reverse().map(day => (
          <tr key={day.day}>
            <th scope="row">
              <time dateTime={day.day}>{day.day.slice(5)}</time>
            </th>
            <td>
              {day.failed > 0
                ? trans.__('%1 (%2 failed)', day.requests, day.failed)
                : day.requests}
            </td>
            <td>{count(day.prompt_tokens + day.completion_tokens)}</td>
            <td>{nodeHours(day.node_hours)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
