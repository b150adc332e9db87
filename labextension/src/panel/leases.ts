// Reading a lease: until when a replica lives, why it ends then, and how much of its job is over.

import type { TranslationBundle } from '@jupyterlab/translation';

import type { ICatalog, ILease, IModel, IOffer } from '../api';
import { clock, span } from './times';

/** A replica, and where it belongs. */
export interface IWarm {
  model: IModel;
  offer: IOffer;
  lease: ILease;
}

export function warmOf(catalog: ICatalog): IWarm[] {
  return catalog.models.flatMap(model =>
    model.clusters.flatMap(offer =>
      offer.leases.map(lease => ({ model, offer, lease }))
    )
  );
}

/**
 * Until when it lives, in the words of `%first models`. A hold outlasts the
 * job, since a successor takes it over; else a job that ends first is told.
 */
export function keptText(
  lease: ILease,
  now: number,
  trans: TranslationBundle
): string {
  const { held_until: held, expires, job_ends: jobEnds } = lease;
  if (held !== null && held > now) {
    const until = trans.__('Held until %1', clock(held, now));
    return expires !== null && expires > held
      ? trans.__('%1, then until %2 if unused', until, clock(expires, now))
      : until;
  }
  if (jobEnds !== null && (expires === null || jobEnds <= expires)) {
    return trans.__('Ends with its job at %1', clock(jobEnds, now));
  }
  return expires === null
    ? ''
    : trans.__('Ends at %1 if nobody uses it', clock(expires, now));
}

export interface IWalltime {
  /** From 0 to 1. */
  over: number;
  text: string;
}

/** How much of its job's time is over; none where its job has no end. */
export function walltime(
  lease: ILease,
  now: number,
  trans: TranslationBundle
): IWalltime | null {
  const { since, job_ends: ends } = lease;
  if (since === null || ends === null || ends <= since) {
    return null;
  }
  const over = Math.max(0, Math.min(1, (now - since) / (ends - since)));
  const text =
    ends > now
      ? trans.__('%1 of its job left', span(ends - now))
      : trans.__('Its job is over');
  return { over, text };
}

/** For how long to hold it from now on, so that it is held `more` seconds longer. */
export function heldFor(lease: ILease, more: number, now: number): number {
  return Math.ceil(Math.max(lease.held_until ?? now, now) - now + more);
}
