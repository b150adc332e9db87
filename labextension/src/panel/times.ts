// Moments and spans as the panel says them.

import type { TranslationBundle } from '@jupyterlab/translation';

const HOUR = 3600;
const DAY = 24 * HOUR;

/** `12 days left`, `5 hours left`, or that less than one is. */
export function timeLeft(seconds: number, trans: TranslationBundle): string {
  if (seconds >= DAY) {
    const days = Math.round(seconds / DAY);
    return trans._n('%1 day left', '%1 days left', days);
  }
  if (seconds >= HOUR) {
    const hours = Math.round(seconds / HOUR);
    return trans._n('%1 hour left', '%1 hours left', hours);
  }
  return trans.__('less than an hour left');
}

/** A span as one reads it on a ticket: `1 h 40 min`, `25 min`, `50 s`. */
export function span(seconds: number): string {
  if (seconds < 90) {
    return `${Math.max(0, Math.round(seconds))} s`;
  }
  const minutes = Math.round(seconds / 60);
  const [hours, rest] = [Math.floor(minutes / 60), minutes % 60];
  if (hours === 0) {
    return `${rest} min`;
  }
  return rest === 0 ? `${hours} h` : `${hours} h ${rest} min`;
}

/** `16:20` today, `Fri 16:20` within a week, else with its date. */
export function clock(moment: number, now: number): string {
  const [there, here] = [new Date(moment * 1000), new Date(now * 1000)];
  const time: Intl.DateTimeFormatOptions = {
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23'
  };
  if (there.toDateString() === here.toDateString()) {
    return there.toLocaleTimeString([], time);
  }
  const day: Intl.DateTimeFormatOptions =
    Math.abs(moment - now) < 6 * DAY
      ? { weekday: 'short' }
      : { year: 'numeric', month: '2-digit', day: '2-digit' };
  return there.toLocaleString([], { ...day, ...time });
}
