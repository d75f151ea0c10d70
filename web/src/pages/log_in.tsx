// SPDX-License-Identifier: Apache-2.0
import { useState } from 'preact/hooks'
import { ErrorText, Input, wordsOf } from '../parts'
import { changePassword, logIn, type Session } from '../session'

function Form({ title, button, submit, children }: { title: string; button: string; submit: () => Promise<void>; children: preact.ComponentChildren }) {
  const [error, setError] = useState('')
  const [isBusy, setBusy] = useState(false)
  return (
    <main class="log-in">
      <h1>{title}</h1>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          setBusy(true)
          setError('')
          submit()
            .catch((fault: unknown) => setError(wordsOf(fault)))
            .finally(() => setBusy(false))
        }}
      >
        {children}
        <ErrorText text={error} />
        <button class="main" disabled={isBusy}>
          {button}
        </button>
      </form>
    </main>
  )
}

export function LogInPage({ onLogIn }: { onLogIn: (session: Session) => void }) {
  const [user, setUser] = useState('')
  const [password, setPassword] = useState('')
  return (
    <Form title="Carillon" button="Log in" submit={async () => onLogIn(await logIn(user, password))}>
      <Input label="User name" value={user} onValue={setUser} required autoFocus autoComplete="username" />
      <Input label="Password" type="password" value={password} onValue={setPassword} required autoComplete="current-password" />
    </Form>
  )
}

export function PasswordPage({ onDone }: { onDone: () => void }) {
  const [old, setOld] = useState('')
  const [fresh, setFresh] = useState('')
  const [repeated, setRepeated] = useState('')
  const submit = async () => {
    if (fresh !== repeated) throw new Error('The new passwords are not the same.')
    await changePassword(old, fresh)
    onDone()
  }
  return (
    <Form title="Choose a new password" button="Change" submit={submit}>
      <Input label="Present password" type="password" value={old} onValue={setOld} required autoFocus autoComplete="current-password" />
      <Input label="New password" type="password" value={fresh} onValue={setFresh} required autoComplete="new-password" />
      <Input label="New password again" type="password" value={repeated} onValue={setRepeated} required autoComplete="new-password" />
    </Form>
  )
}
