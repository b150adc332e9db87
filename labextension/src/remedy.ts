// What to say, and what to advise, while there is no catalog to show.

import type { TranslationBundle } from '@jupyterlab/translation';

import type { IFederation } from './federation';

export interface IRemedy {
  /** As short as a status bar. */
  title: string;
  /** What happened, and what to do now. */
  advice: string;
}

/** What stands in the way of choosing a model, if anything does. */
export function remedyFor(
  federation: IFederation,
  trans: TranslationBundle
): IRemedy | null {
  switch (federation.availability) {
    case 'loading':
      return {
        title: trans.__('FIRST: …'),
        advice: trans.__('Asking the Jupyter server which models there are.')
      };
    case 'missing':
      return {
        title: trans.__('FIRST: not available'),
        advice: trans.__(
          'This Jupyter server runs without the extension first_jupyter_server. In its Python environment run “jupyter server extension enable first_jupyter_server”, then restart the server.'
        )
      };
    case 'unreachable':
      return {
        title: trans.__('FIRST: no answer'),
        advice: trans.__(
          'The Jupyter server does not answer. If it was stopped, start it again and reload this page.'
        )
      };
    case 'ready':
      break;
  }
  if (federation.catalog.models.length > 0) {
    return null;
  }
  return {
    title: trans.__('FIRST: no models'),
    advice: trans.__(
      'No cluster offers a model. Run “%first status” in a notebook to see which federation file is in use and what is wrong with it.'
    )
  };
}
