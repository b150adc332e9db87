// `first-jupyter:status`: the current model, its state and what is wanted of the person, in the status bar.

import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ReactWidget } from '@jupyterlab/apputils';
import { IStatusBar } from '@jupyterlab/statusbar';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import * as React from 'react';

import type { IAccount as IAccountType } from './account';
import { IAccount } from './account';
import type { IFederation as IFederationType } from './federation';
import { IFederation } from './federation';
import { isUnderWay } from './catalog';
import { CommandIDs } from './commandIds';
import { iconOf, unavailableIcon } from './icons';
import { statusOf } from './statusWords';

interface IStatusProps {
  federation: IFederationType;
  account: IAccountType | null;
  trans: TranslationBundle;
  open: () => void;
}

/** Draws again at each change, and each second while a time is being counted down. */
function useChanges(
  federation: IFederationType,
  account: IAccountType | null
): void {
  const [, draw] = React.useReducer((count: number) => count + 1, 0);
  React.useEffect(() => {
    federation.changed.connect(draw);
    account?.changed.connect(draw);
    return () => {
      federation.changed.disconnect(draw);
      account?.changed.disconnect(draw);
    };
  }, [federation, account]);
  const offer = federation.current?.offer ?? null;
  const counting = isUnderWay(offer) && offer?.eta !== null;
  React.useEffect(() => {
    const timer = counting ? setInterval(draw, 1000) : undefined;
    return () => clearInterval(timer);
  }, [counting]);
}

function Status(props: IStatusProps): JSX.Element {
  const { federation, account, trans, open } = props;
  useChanges(federation, account);
  const login = account?.login ?? null;
  const { state, text, spoken, title } = statusOf(federation, login, trans);
  const Icon = state ? iconOf(state) : unavailableIcon;
  const onKeyDown = (event: React.KeyboardEvent): void => {
    if (event.key === 'Enter' || event.key === ' ') {
      event.preventDefault();
      event.stopPropagation();
      open();
    }
  };
  return (
    <>
      <div
        className="jp-FirstStatus-button"
        role="button"
        tabIndex={0}
        aria-haspopup="dialog"
        aria-label={trans.__('Language model: %1. Choose a model', text)}
        title={title}
        onClick={open}
        onKeyDown={onKeyDown}
      >
        <Icon.react className="jp-FirstStatus-icon" tag="span" />
        <span className="jp-StatusBar-TextItem">{text}</span>
      </div>
      <span className="jp-FirstStatus-spoken" role="status">
        {spoken}
      </span>
    </>
  );
}

export const statusPlugin: JupyterFrontEndPlugin<void> = {
  id: 'first-jupyter:status',
  description: 'Shows the current model and its state in the status bar.',
  autoStart: true,
  requires: [IFederation],
  // Notebook 7 has no status bar.
  optional: [IAccount, IStatusBar, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    federation: IFederationType,
    account: IAccountType | null,
    statusBar: IStatusBar | null,
    translator: ITranslator | null
  ): void => {
    if (!statusBar) {
      return;
    }
    const trans = (translator ?? nullTranslator).load('first_jupyter');
    const item = ReactWidget.create(
      <Status
        federation={federation}
        account={account}
        trans={trans}
        open={() => void app.commands.execute(CommandIDs.chooseModel)}
      />
    );
    item.addClass('jp-FirstStatus');
    item.addClass('jp-mod-highlighted');
    statusBar.registerStatusItem('first-jupyter:status', {
      item,
      align: 'left',
      rank: 10
    });
  }
};
