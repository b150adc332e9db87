// The words a person reads: short, and always state, reason and time in that order.

import type { TranslationBundle } from '@jupyterlab/translation';

import type { IModel, IOffer, State } from './api';
import type { IChoice } from './catalog';

/** The last part of an id: `Llama-3.3-70B-Instruct` of `meta-llama/Llama-3.3-70B-Instruct`. */
export function shortName(id: string): string {
  return id.slice(id.lastIndexOf('/') + 1);
}

/** A choice as the status bar names it. */
export function choiceName(choice: IChoice): string {
  const name = shortName(choice.model.id);
  return choice.pinned ? `${name}@${choice.value.split('@').pop()}` : name;
}

export function stateWord(state: State, trans: TranslationBundle): string {
  switch (state) {
    case 'hot':
      return trans.__('hot');
    case 'starting':
      return trans.__('starting');
    case 'queued':
      return trans.__('queued');
    case 'cold':
      return trans.__('cold');
    case 'draining':
      return trans.__('draining');
    case 'offline':
      return trans.__('offline');
  }
}

/** Seconds as a person says them. */
export function duration(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 90) {
    return `${whole} s`;
  }
  const minutes = Math.round(whole / 60);
  return minutes < 90 ? `${minutes} min` : `${Math.round(minutes / 60)} h`;
}

/** `starting 40 % · 3 s`: the state, how far it is, and what is left of the promised time. */
export function stateText(
  offer: IOffer,
  secondsAgo: number,
  trans: TranslationBundle
): string {
  const parts = [stateWord(offer.state, trans)];
  if (offer.state === 'starting' && offer.progress !== null) {
    parts[0] += ` ${Math.round(offer.progress * 100)} %`;
  }
  // A promise that has run out is not repeated.
  const left = offer.eta === null ? 0 : offer.eta - secondsAgo;
  if (left > 0 && (offer.state === 'starting' || offer.state === 'queued')) {
    parts.push(duration(left));
  }
  return parts.join(' · ');
}

/** Everything about a choice, for the one who lets the pointer rest on it. */
export function tooltip(
  choice: IChoice,
  secondsAgo: number,
  trans: TranslationBundle
): string {
  const { model, offer } = choice;
  if (!offer) {
    return trans.__('%1\nNo cluster serves it.', model.id);
  }
  const lines = [
    model.id,
    trans.__(
      '%1 on %2 (%3)',
      stateText(offer, secondsAgo, trans),
      offer.cluster,
      offer.backend
    )
  ];
  if (offer.reason) {
    lines.push(offer.reason);
  }
  if (offer.waiting > 0) {
    lines.push(
      trans._n(
        '%1 request waits for it',
        '%1 requests wait for it',
        offer.waiting
      )
    );
  }
  lines.push(trans.__('Click to choose a model'));
  return lines.join('\n');
}

/** `chat · 2048 tokens of context`. */
export function aboutModel(model: IModel, trans: TranslationBundle): string {
  const parts = [model.abilities.join(', ')];
  if (model.context !== null) {
    parts.push(trans.__('%1 tokens of context', model.context));
  }
  return parts.filter(Boolean).join(' · ');
}
