// The log of a replica that runs, or of the last one that failed, in a dialog that can be refreshed.

import { Dialog, ReactWidget } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { ControlApi, ILog } from '../api';
import { LogText } from './logText';
import { TextButton } from './parts';
import { clock } from './times';

export interface ILogOf {
  model: string;
  cluster: string;
  /** One that runs; without it, the last that failed. */
  replica?: string;
}

interface ILogProps {
  of: ILogOf;
  api: ControlApi;
  trans: TranslationBundle;
}

function Log({ of, api, trans }: ILogProps): JSX.Element {
  const { model, cluster, replica } = of;
  const [log, setLog] = React.useState<ILog | null>(null);
  const [problem, setProblem] = React.useState('');
  const [asking, setAsking] = React.useState(false);
  const ask = async (): Promise<void> => {
    setAsking(true);
    setProblem('');
    try {
      setLog(await api.log(model, cluster, replica));
    } catch (error) {
      setProblem((error as Error).message);
    } finally {
      setAsking(false);
    }
  };
  React.useEffect(() => void ask(), []);
  const said = asking
    ? trans.__('Asking %1 for its log…', cluster)
    : log && trans.__('As of %1', clock(log.at, Date.now() / 1000));
  return (
    <>
      <p className="jp-FirstPanel-quiet">
        {[model, cluster, replica ?? log?.replica].filter(Boolean).join(' · ')}
      </p>
      {log && <LogText log={log} trans={trans} />}
      {problem && <p role="alert">{problem}</p>}
      <div className="jp-FirstPanel-actions">
        <TextButton
          label={trans.__('Refresh')}
          act={() => (asking ? undefined : ask())}
        />
        <span className="jp-FirstPanel-quiet" role="status">
          {said}
        </span>
      </div>
    </>
  );
}

export async function showLog(
  of: ILogOf,
  api: ControlApi,
  trans: TranslationBundle
): Promise<void> {
  const body = ReactWidget.create(<Log of={of} api={api} trans={trans} />);
  body.addClass('jp-FirstPanel-logDialog');
  const dialog = new Dialog({
    title: trans.__('Log'),
    body,
    buttons: [Dialog.cancelButton({ label: trans.__('Close') })]
  });
  await dialog.launch();
}
