// Figures as the panel says them, and the heights of the bars that show them.

import type { TranslationBundle } from '@jupyterlab/translation';

import type { IDay } from '../usageApi';
import { span } from './times';

/** What stands where nothing was measured. */
const NOTHING = '–';

const short = new Intl.NumberFormat([], {
  notation: 'compact',
  maximumFractionDigits: 1
});

/** `940`, `12.3K`, `1.2M`. */
export function count(value: number): string {
  return short.format(value);
}

/** `0.42 s`, `8.1 s`, `2 min`. */
export function seconds(value: number | null | undefined): string {
  if (value === null || value === undefined) {
    return NOTHING;
  }
  if (value >= 90) {
    return span(value);
  }
  return `${value.toFixed(value < 1 ? 2 : 1)} s`;
}

export function nodeHours(value: number | null | undefined): string {
  return value === null || value === undefined
    ? NOTHING
    : value.toFixed(value < 10 ? 1 : 0);
}

export interface IBar {
  day: string;
  /** From 0 to 1, of the day with most requests. */
  height: number;
  /** How much of it failed. */
  failed: number;
  text: string;
}

/** One bar a day. */
export function bars(days: readonly IDay[], trans: TranslationBundle): IBar[] {
  const most = Math.max(1, ...days.map(day => day.requests));
  return days.map(({ day, requests, failed }) => ({
    day,
    height: requests / most,
    failed: failed / most,
    text: trans.__('%1: %2 requests, %3 failed', day, requests, failed)
  }));
}
