// The end of a replica's log, and how it failed if it did.

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { ILog } from '../api';
import { clock } from './times';

export function LogText(props: {
  log: ILog;
  trans: TranslationBundle;
}): JSX.Element {
  const { log, trans } = props;
  const at = clock(log.at, Date.now() / 1000);
  return (
    <>
      {log.reason && (
        <p>
          {log.node
            ? trans.__('Failed at %1 on %2: %3', at, log.node, log.reason)
            : trans.__('Failed at %1: %2', at, log.reason)}
        </p>
      )}
      {log.lines.length > 0 ? (
        <pre
          className="jp-FirstPanel-log"
          tabIndex={0}
          role="region"
          aria-label={trans.__('Log of %1', log.replica)}
        >
          {log.lines.join('\n')}
        </pre>
      ) : (
        <p>{trans.__('Its log is empty.')}</p>
      )}
      {log.file && (
        <p className="jp-FirstPanel-quiet">
          {trans.__('All of it: %1', log.file)}
        </p>
      )}
    </>
  );
}
