// What is said of a start: its stages with their times, when it will be ready, and how it ended.

import type { TranslationBundle } from '@jupyterlab/translation';

import type { IStage } from './api';
import type { IStartNews } from './starts';
import { duration, shortName, stateText } from './words';

/** `Llama-3.3-70B on polaris: queued 40 s · loading 12 s of about 30 s · ready in about 25 s`. */
export function startText(
  news: IStartNews,
  now: number,
  trans: TranslationBundle
): string {
  const { offer, ending, since } = news;
  const name = shortName(news.model);
  const { cluster, reason } = offer;
  switch (ending) {
    case null:
      return trans.__('%1 on %2: %3', name, cluster, progressText(news, trans));
    case 'hot':
      return trans.__(
        '%1 on %2 is hot after %3',
        name,
        cluster,
        duration(now - since)
      );
    case 'failed':
      return trans.__('%1 did not start on %2: %3', name, cluster, reason);
    case 'stopped':
      // One that drains still tells what it was doing.
      if (offer.state === 'draining' || !reason) {
        return trans.__(
          '%1 on %2 was stopped before it was hot',
          name,
          cluster
        );
      }
      return trans.__('%1 on %2 starts no more: %3', name, cluster, reason);
  }
}

function progressText({ offer }: IStartNews, trans: TranslationBundle): string {
  const parts = offer.stages.flatMap(stage => stageText(stage, trans));
  if (parts.length === 0) {
    parts.push(stateText({ ...offer, eta: null }, 0, trans));
  }
  if (offer.eta !== null && offer.eta > 0) {
    parts.push(trans.__('ready in about %1', about(offer.eta)));
  } else if (offer.reason) {
    parts.push(offer.reason);
  }
  return parts.join(' · ');
}

/** Stages that took no time, and those that are still to come, are not worth a word. */
function stageText(stage: IStage, trans: TranslationBundle): string[] {
  const seconds = stage.seconds ?? 0;
  const word = stageWord(stage.stage, trans);
  if (stage.state === 'now') {
    const usual = stage.usual ?? 0;
    return usual > seconds
      ? [trans.__('%1 %2 of about %3', word, duration(seconds), about(usual))]
      : [`${word} ${duration(seconds)}`];
  }
  return stage.state === 'done' && seconds >= 1
    ? [`${word} ${duration(seconds)}`]
    : [];
}

export function stageWord(stage: string, trans: TranslationBundle): string {
  switch (stage) {
    case 'queued':
      return trans.__('queued');
    case 'fetching':
      return trans.__('fetching');
    case 'launching':
      return trans.__('launching');
    case 'loading':
      return trans.__('loading');
    case 'compiling':
      return trans.__('compiling');
    case 'warming':
      return trans.__('warming up');
    case 'ready':
      return trans.__('ready');
    case 'asleep':
      return trans.__('asleep');
    case 'draining':
      return trans.__('draining');
    default:
      return stage;
  }
}

/** A time that is not known to the second: a promise that changes each moment is none. */
function about(seconds: number): string {
  return duration(seconds < 10 ? seconds : Math.ceil(seconds / 5) * 5);
}
