// The section “Account”: who is logged in, for how long, and what Globus wants of the person.

import type { TranslationBundle } from '@jupyterlab/translation';
import type { CommandRegistry } from '@lumino/commands';
import * as React from 'react';

import type { IAccount } from '../account';
import { CommandIDs } from '../commandIds';
import type { ILogin } from '../loginApi';
import { attempt, Known, TextButton } from './parts';
import { Section } from './section';
import { timeLeft } from './times';

export class AccountSection extends Section {
  constructor(
    private readonly account: IAccount,
    private readonly commands: CommandRegistry,
    private readonly trans: TranslationBundle
  ) {
    super('account', trans.__('Account'), [account]);
  }

  protected override draw(): JSX.Element {
    const { account, trans } = this;
    return (
      <Known
        value={account.login}
        problem={account.problem}
        asking={trans.__('Asking who is logged in…')}
        tryAgain={{
          label: trans.__('Try Again'),
          act: () => account.refresh()
        }}
        draw={login => this.login(login)}
      />
    );
  }

  private login(login: ILogin): JSX.Element {
    if (login.state === 'unneeded' || login.service_account) {
      return <p className="jp-FirstPanel-quiet">{login.sentence}</p>;
    }
    return login.state === 'logged_in' ? this.who(login) : this.wanted(login);
  }

  private who(login: ILogin): JSX.Element {
    const { commands, trans } = this;
    const left =
      login.ends === null
        ? ''
        : timeLeft(login.ends - Date.now() / 1000, trans);
    return (
      <>
        <p className="jp-FirstPanel-strong">{login.username}</p>
        <p className="jp-FirstPanel-quiet">
          {[login.services.join(', '), left].filter(Boolean).join(' · ')}
        </p>
        {login.ends_soon && <p>{login.sentence}</p>}
        <div className="jp-FirstPanel-actions">
          {login.ends_soon && (
            <TextButton
              accept
              label={trans.__('Log In Again…')}
              act={() => commands.execute(CommandIDs.login)}
            />
          )}
          <TextButton
            label={trans.__('Log Out')}
            act={() => commands.execute(CommandIDs.logout)}
          />
        </div>
      </>
    );
  }

  /** Somebody has to log in, or is about to. */
  private wanted(login: ILogin): JSX.Element {
    const { account, commands, trans } = this;
    const label = {
      pending: trans.__('Go On with the Login…'),
      demand: trans.__('Log In Again…'),
      logged_out: trans.__('Log In with Globus…')
    }[login.state as 'pending' | 'demand' | 'logged_out'];
    return (
      <>
        {login.username && (
          <p className="jp-FirstPanel-strong">{login.username}</p>
        )}
        <p>{login.sentence}</p>
        <div className="jp-FirstPanel-actions">
          <TextButton
            accept
            label={label}
            act={() => commands.execute(CommandIDs.login)}
          />
          {login.state === 'pending' && (
            <TextButton
              label={trans.__('Give Up')}
              act={() =>
                attempt(trans.__('The login is still under way'), () =>
                  account.cancel()
                )
              }
            />
          )}
        </div>
      </>
    );
  }
}
