// The dialog to log in: Globus opens in a tab, and the code is pasted here or comes back by itself.

import { Dialog, ReactWidget } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { IAccount } from './account';
import { FormDialog } from './formDialog';
import type { IBegunLogin } from './loginApi';

const CODE_ID = 'jp-FirstLogin-code';

interface ILoginProps {
  account: IAccount;
  begun: IBegunLogin;
  why: string;
  trans: TranslationBundle;
  done: () => void;
}

function Login(props: ILoginProps): JSX.Element {
  const { account, begun, why, trans, done } = props;
  const [code, setCode] = React.useState('');
  const [problem, setProblem] = React.useState('');
  const [busy, setBusy] = React.useState(false);

  /** What succeeds ends the dialog by the account's change; what fails says why. */
  const attempt = async (act: () => Promise<void>): Promise<void> => {
    setBusy(true);
    setProblem('');
    try {
      await act();
    } catch (error) {
      setProblem((error as Error).message);
    } finally {
      setBusy(false);
    }
  };

  React.useEffect(() => {
    const onChange = (): void => {
      const login = account.login;
      if (login && login.state === 'logged_in' && !login.pending) {
        done();
      }
    };
    account.changed.connect(onChange);
    return () => {
      account.changed.disconnect(onChange);
    };
  }, [account]);

  const submit = (event: React.FormEvent): void => {
    event.preventDefault();
    event.stopPropagation();
    if (code.trim()) {
      void attempt(() => account.finish(code.trim()));
    }
  };
  const login = account.login;
  return (
    <>
      {why && <p>{why}</p>}
      <p>{trans.__('The login asks for:')}</p>
      <ul className="jp-FirstLogin-asks">
        {login?.asks.map(ask => (
          <li key={ask.service}>
            {ask.service}: {ask.why}
          </li>
        ))}
      </ul>
      <a
        className="jp-FirstLogin-link"
        href={begun.url}
        target="_blank"
        rel="noopener noreferrer"
      >
        {trans.__('Open Globus in a new tab')}
      </a>
      {begun.way === 'paste' ? (
        <form className="jp-FirstLogin-form" onSubmit={submit}>
          <label htmlFor={CODE_ID}>
            {trans.__('Log in there, then paste the code that Globus shows:')}
          </label>
          <input
            id={CODE_ID}
            className="jp-mod-styled jp-FirstLogin-code"
            autoComplete="off"
            spellCheck={false}
            value={code}
            disabled={busy}
            onChange={event => setCode(event.target.value)}
          />
          <button
            className="jp-mod-styled"
            type="submit"
            disabled={busy || !code.trim()}
          >
            {trans.__('Log In')}
          </button>
        </form>
      ) : (
        <p>{trans.__('Log in there; this dialog closes by itself.')}</p>
      )}
      {login?.offers.map(offer => (
        <p key={offer.tool} className="jp-FirstLogin-offer">
          {offer.sentence}{' '}
          <button
            className="jp-mod-styled"
            type="button"
            disabled={busy}
            onClick={() => void attempt(() => account.adopt(offer.tool))}
          >
            {trans.__('Use It')}
          </button>
        </p>
      ))}
      <p className="jp-FirstLogin-problem" role="alert">
        {problem}
      </p>
    </>
  );
}

/** Shows the dialog until the login is through or given up; tells which. */
export async function showLogin(
  account: IAccount,
  begun: IBegunLogin,
  why: string,
  trans: TranslationBundle
): Promise<boolean> {
  let through = false;
  const body = ReactWidget.create(
    <Login
      account={account}
      begun={begun}
      why={why}
      trans={trans}
      done={() => {
        through = true;
        dialog.resolve(0);
      }}
    />
  );
  body.addClass('jp-FirstLogin');
  const dialog: FormDialog = new FormDialog({
    title: trans.__('Log in with Globus'),
    body,
    focusNodeSelector: '.jp-FirstLogin-link',
    buttons: [Dialog.cancelButton({ label: trans.__('Cancel') })]
  });
  await dialog.launch();
  return through;
}
