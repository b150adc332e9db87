// The dialog that adds a cluster: an endpoint of those that the login can use, or one whose id is known.

import { Dialog, Notification, ReactWidget } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { CommandRegistry } from '@lumino/commands';
import * as React from 'react';

import type { IAccount } from '../account';
import type { Clusters } from '../clusters';
import type { ICluster, IEndpointOffer, IOffered } from '../clustersApi';
import { CommandIDs } from '../commandIds';
import { FormDialog } from '../formDialog';
import type { IStep } from './parts';
import { Notice } from './parts';

const ENDPOINT_ID = 'jp-FirstAddCluster-endpoint';
const NAME_ID = 'jp-FirstAddCluster-name';

interface IAddProps {
  clusters: Clusters;
  trans: TranslationBundle;
  /** None where somebody is logged in. */
  logIn: IStep | undefined;
  done: (added: ICluster) => void;
  /** Says what is wrong; by `show` while the dialog is open. */
  failed: (problem: string, show: (problem: string) => void) => void;
}

function AddCluster(props: IAddProps): JSX.Element {
  const { clusters, trans, logIn, done, failed } = props;
  const [endpoint, setEndpoint] = React.useState('');
  const [name, setName] = React.useState('');
  const [adding, setAdding] = React.useState(false);
  const [problem, setProblem] = React.useState('');

  const submit = async (event: React.FormEvent): Promise<void> => {
    event.preventDefault();
    event.stopPropagation();
    setAdding(true);
    setProblem('');
    try {
      done(await clusters.add(endpoint.trim(), name.trim() || undefined));
    } catch (error) {
      setAdding(false);
      failed((error as Error).message, setProblem);
    }
  };
  return (
    <form
      className="jp-FirstAddCluster-form"
      onSubmit={event => void submit(event)}
    >
      <Offers
        clusters={clusters}
        chosen={endpoint}
        choose={setEndpoint}
        logIn={logIn}
        trans={trans}
      />
      <label htmlFor={ENDPOINT_ID}>
        {trans.__('Globus Compute endpoint, by its id or name:')}
      </label>
      <input
        id={ENDPOINT_ID}
        className="jp-mod-styled"
        autoComplete="off"
        spellCheck={false}
        value={endpoint}
        onChange={event => setEndpoint(event.target.value)}
      />
      <label htmlFor={NAME_ID}>
        {trans.__('What to call the cluster; empty for the endpoint’s name:')}
      </label>
      <input
        id={NAME_ID}
        className="jp-mod-styled"
        autoComplete="off"
        spellCheck={false}
        value={name}
        onChange={event => setName(event.target.value)}
      />
      <button
        className="jp-mod-styled jp-mod-accept"
        type="submit"
        disabled={adding || !endpoint.trim()}
      >
        {trans.__('Add')}
      </button>
      <p role="status">
        {adding &&
          trans.__(
            'Asking the endpoint which models it has. This may take a minute, and goes on when this dialog is closed.'
          )}
      </p>
      <p className="jp-FirstAddCluster-problem" role="alert">
        {problem}
      </p>
    </form>
  );
}

function Offers(props: {
  clusters: Clusters;
  chosen: string;
  choose: (endpoint: string) => void;
  logIn: IStep | undefined;
  trans: TranslationBundle;
}): JSX.Element {
  const { clusters, chosen, choose, logIn, trans } = props;
  const [offered, setOffered] = React.useState<IOffered | null>(null);
  React.useEffect(() => {
    let wanted = true;
    clusters.offered().then(
      found => wanted && setOffered(found),
      (error: Error) =>
        wanted && setOffered({ offers: [], problem: error.message })
    );
    return () => {
      wanted = false;
    };
  }, [clusters]);
  if (!offered) {
    return (
      <p role="status">
        {trans.__(
          'Asking Globus which endpoints your login can use… An id that you know can be added meanwhile.'
        )}
      </p>
    );
  }
  if (offered.offers.length === 0) {
    const none = trans.__(
      'Your login can use no endpoint besides those that are here.'
    );
    return logIn ? (
      <Notice
        sentence={trans.__(
          'Log in with Globus to see the endpoints that you can use.'
        )}
        step={logIn}
      />
    ) : (
      <Notice sentence={offered.problem ?? none} />
    );
  }
  return (
    <fieldset className="jp-FirstAddCluster-offers">
      <legend>{trans.__('Endpoints that your login can use')}</legend>
      {offered.offers.map(offer => (
        <label key={offer.endpoint}>
          <input
            type="radio"
            name="endpoint"
            checked={offer.endpoint === chosen}
            onChange={() => choose(offer.endpoint)}
          />
          {offerText(offer, trans)}
        </label>
      ))}
    </fieldset>
  );
}

function offerText(offer: IEndpointOffer, trans: TranslationBundle): string {
  if (offer.online === null) {
    return offer.name;
  }
  return offer.online
    ? trans.__('%1 (online)', offer.name)
    : trans.__('%1 (offline)', offer.name);
}

/** Shows the dialog; who has to log in for it finds it again afterwards. */
export async function addCluster(
  clusters: Clusters,
  account: IAccount,
  commands: CommandRegistry,
  trans: TranslationBundle
): Promise<void> {
  let [open, wantsLogin] = [true, false];
  const logIn: IStep = {
    label: trans.__('Log In with Globus…'),
    act: () => {
      wantsLogin = true;
      dialog.reject();
    }
  };
  const body = ReactWidget.create(
    <AddCluster
      clusters={clusters}
      trans={trans}
      logIn={account.login?.state === 'logged_in' ? undefined : logIn}
      done={added => {
        dialog.resolve(0);
        const { cluster, models } = added;
        const what = trans._n('%1 model', '%1 models', models.length);
        Notification.success(
          trans.__('The cluster %1 was added, with %2.', cluster, what),
          { autoClose: 6000 }
        );
      }}
      failed={(problem, show) =>
        open ? show(problem) : Notification.error(problem)
      }
    />
  );
  body.addClass('jp-FirstAddCluster');
  const dialog: FormDialog = new FormDialog({
    title: trans.__('Add a cluster'),
    body,
    focusNodeSelector: `#${ENDPOINT_ID}`,
    buttons: [Dialog.cancelButton({ label: trans.__('Close') })]
  });
  await dialog.launch();
  open = false;
  if (wantsLogin) {
    await commands.execute(CommandIDs.login);
    if (account.login?.state === 'logged_in') {
      await addCluster(clusters, account, commands, trans);
    }
  }
}
