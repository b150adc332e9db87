// Which starts are under way in a catalog, and how those ended that were: plain values, without a clock.

import type { IModel, IOffer } from './api';
import { isUnderWay } from './catalog';

/** A model on its way on a cluster, because somebody wants it there. */
export interface IStart {
  model: string;
  offer: IOffer;
  /** When it began, in seconds since 1970. */
  since: number;
}

export type Ending = 'hot' | 'failed' | 'stopped';

/** How a start is now; `ending` is null while it goes on. */
export interface IStartNews extends IStart {
  ending: Ending | null;
}

export function startKey(start: IStart): string {
  return `${start.model}@${start.offer.cluster}`;
}

/** What there is to say of the starts that were known, and of those that are new; `asked` are the models that somebody here wants. */
export function follow(
  known: readonly IStart[],
  models: readonly IModel[],
  now: number,
  asked: ReadonlySet<string> = new Set()
): IStartNews[] {
  const before = new Map(known.map(start => [startKey(start), start]));
  const news: IStartNews[] = [];
  for (const model of models) {
    for (const offer of model.clusters) {
      const start = { model: model.id, offer, since: now };
      const earlier = before.get(startKey(start));
      const isOurs = earlier || isWanted(offer) || asked.has(model.id);
      if (isStarting(offer) && isOurs) {
        const since = earlier?.since ?? began(offer, now);
        news.push({ ...start, since, ending: null });
      } else if (earlier) {
        news.push({ ...start, since: earlier.since, ending: ending(offer) });
      }
    }
  }
  return news;
}

function isStarting(offer: IOffer): boolean {
  return isUnderWay(offer) && offer.state !== 'draining';
}

/** Gateways start models for others too, which is no news here; what they start has no lease of ours. */
function isWanted(offer: IOffer): boolean {
  return offer.leases.length > 0 || offer.waiting > 0;
}

/** A start that was under way when the page was loaded began earlier. */
function began(offer: IOffer, now: number): number {
  const spent = offer.stages.reduce(
    (sum, { seconds }) => sum + (seconds ?? 0),
    0
  );
  if (spent > 0) {
    return now - spent;
  }
  const asked = offer.leases.flatMap(lease => lease.since ?? []);
  return Math.min(now, ...asked);
}

function ending(offer: IOffer): Ending {
  switch (offer.state) {
    case 'hot':
      return 'hot';
    case 'offline':
      return 'failed';
    default:
      return 'stopped';
  }
}
