// What all sections are made of: a sentence with its one next step, buttons, and failures told in a dialog.

import { showErrorMessage } from '@jupyterlab/apputils';
import type { LabIcon } from '@jupyterlab/ui-components';
import { Button, classes } from '@jupyterlab/ui-components';
import * as React from 'react';

export interface IStep {
  label: string;
  act: (button: HTMLElement) => unknown;
}

/** Where there is nothing to show: what is so, and what to do now. */
export function Notice(props: {
  sentence: string;
  step?: IStep | undefined;
  problem?: boolean;
}): JSX.Element {
  const { sentence, step, problem } = props;
  return (
    <div className="jp-FirstPanel-notice">
      <p role={problem ? 'alert' : undefined}>{sentence}</p>
      {step && <TextButton {...step} accept />}
    </div>
  );
}

/** What the server says, if need be beside why it says nothing newer; or that it is being asked. */
export function Known<T>(props: {
  value: T | null;
  problem: Error | null;
  asking: string;
  tryAgain: IStep;
  draw: (value: T) => JSX.Element;
}): JSX.Element {
  const { value, problem, asking, tryAgain, draw } = props;
  return (
    <>
      {problem && <Notice problem sentence={problem.message} step={tryAgain} />}
      {value === null ? !problem && <Notice sentence={asking} /> : draw(value)}
    </>
  );
}

/** `done`: it says that what it would do is so. */
export function TextButton(
  props: IStep & {
    accept?: boolean;
    done?: boolean;
    name?: string | undefined;
  }
): JSX.Element {
  const { label, act, accept, done, name } = props;
  return (
    <Button
      type="button"
      small
      className={classes(
        'jp-FirstPanel-button',
        accept ? 'jp-mod-accept' : '',
        done ? 'jp-FirstPanel-done' : ''
      )}
      aria-label={name}
      aria-disabled={done}
      onClick={event => !done && act(event.currentTarget)}
    >
      {label}
    </Button>
  );
}

/** A button that is an icon; its name is read out, and shown to the resting pointer. */
export function IconButton(
  props: IStep & { icon: LabIcon; menu?: boolean }
): JSX.Element {
  const { label, act, icon: Icon, menu } = props;
  return (
    <Button
      type="button"
      small
      minimal
      className="jp-FirstPanel-iconButton"
      title={label}
      aria-label={label}
      aria-haspopup={menu ? 'menu' : undefined}
      onClick={event => act(event.currentTarget)}
    >
      <Icon.react tag="span" />
    </Button>
  );
}

/** Does something that the server may refuse; the refusal is shown. */
export async function attempt(
  title: string,
  act: () => Promise<unknown>
): Promise<void> {
  try {
    await act();
  } catch (error) {
    await showErrorMessage(title, error as Error);
  }
}
