// “Why is it cold?”: the reason, and how the last replica failed if one did.

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { ControlApi, ILog, IOffer } from '../api';
import { LogText } from './logText';

interface IWhyNotProps {
  model: string;
  offer: IOffer;
  api: ControlApi;
  trans: TranslationBundle;
}

export function WhyNot(props: IWhyNotProps): JSX.Element {
  const { model, offer, trans } = props;
  const [open, setOpen] = React.useState(false);
  const cold = offer.state === 'cold';
  return (
    <>
      <button
        type="button"
        className="jp-FirstPanel-link"
        aria-expanded={open}
        aria-label={
          cold
            ? trans.__('Why is it cold? %1 on %2', model, offer.cluster)
            : trans.__('Why is it offline? %1 on %2', model, offer.cluster)
        }
        onClick={() => setOpen(!open)}
      >
        {cold ? trans.__('Why is it cold?') : trans.__('Why is it offline?')}
      </button>
      {open && <Why {...props} />}
    </>
  );
}

function Why({ model, offer, api, trans }: IWhyNotProps): JSX.Element {
  const [log, setLog] = React.useState<ILog | null>(null);
  const [none, setNone] = React.useState('');
  React.useEffect(() => {
    let wanted = true;
    api.log(model, offer.cluster).then(
      found => wanted && setLog(found),
      // The server says in a sentence that none failed, or what is wrong.
      (error: Error) => wanted && setNone(error.message)
    );
    return () => {
      wanted = false;
    };
  }, [api, model, offer.cluster, offer.state]);
  const told = log !== null && offer.reason.includes(log.reason);
  return (
    <div className="jp-FirstPanel-why">
      {!told && (
        <p>
          {offer.reason ||
            trans.__(
              'Nobody has asked for it; it starts with the first request.'
            )}
        </p>
      )}
      {log ? (
        <LogText log={log} trans={trans} />
      ) : (
        <p className="jp-FirstPanel-quiet" role="status">
          {none || trans.__('Looking whether a replica of it failed…')}
        </p>
      )}
    </div>
  );
}
