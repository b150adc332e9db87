// What the status item says at a glance: is a login wanted, which model, is it warm, and when.

import type { TranslationBundle } from '@jupyterlab/translation';

import type { State } from './api';
import type { IFederation } from './federation';
import type { ILogin } from './loginApi';
import { remedyFor } from './remedy';
import { choiceName, stateText, stateWord, tooltip } from './words';

export interface IStatus {
  /** None where something is to be done first. */
  state: State | null;
  text: string;
  /** What is read aloud when it changes. */
  spoken: string;
  title: string;
}

export function statusOf(
  federation: IFederation,
  login: ILogin | null,
  trans: TranslationBundle
): IStatus {
  const remedy = remedyFor(federation, trans);
  if (remedy) {
    const { title: text, advice } = remedy;
    return { state: null, text, spoken: text, title: advice };
  }
  const model = modelStatus(federation, trans);
  const wanted = loginText(login, trans);
  const title = [login?.state !== 'unneeded' && login?.sentence, model.title]
    .filter(Boolean)
    .join('\n');
  if (!wanted) {
    return { ...model, title };
  }
  // What Globus demands comes before all else; who is only not logged in may still use what needs no login.
  const isDemand = login?.state === 'demand';
  const join = (text: string): string =>
    (isDemand ? [wanted, text] : [text, wanted]).join(' · ');
  return {
    state: isDemand ? null : model.state,
    text: join(model.text),
    spoken: join(model.spoken),
    title
  };
}

function loginText(login: ILogin | null, trans: TranslationBundle): string {
  switch (login?.state) {
    case 'demand':
      return trans.__('log in again');
    case 'logged_out':
      return trans.__('not logged in');
    case 'pending':
      return trans.__('logging in');
    default:
      return '';
  }
}

function modelStatus(
  federation: IFederation,
  trans: TranslationBundle
): IStatus {
  const choice = federation.current;
  if (!choice) {
    const text = trans.__('FIRST: choose a model');
    return { state: null, text, spoken: text, title: text };
  }
  const { offer } = choice;
  const name = choiceName(choice);
  const age = federation.age;
  const title = tooltip(choice, age, trans);
  if (!offer) {
    const text = trans.__('%1 · no cluster', name);
    return { state: null, text, spoken: text, title };
  }
  return {
    state: offer.state,
    text: `${name} · ${stateText(offer, age, trans)}`,
    // The state alone: nobody wants each percent read out.
    spoken: trans.__('%1 is %2', name, stateWord(offer.state, trans)),
    title
  };
}
