// SPDX-License-Identifier: Apache-2.0
// Drives the console in Chromium, by keyboard alone, for tests/e2e/test_console.py.
//   node console.mjs DEED   with a JSON object on standard input: url, modules, user, password, ...; prints a JSON object.
// Exit status 1 and words on standard error where a step fails.
import { createRequire } from 'node:module'
import { readFileSync } from 'node:fs'

const given = JSON.parse(readFileSync(0, 'utf8'))
const require = createRequire(`${given.modules}/`)
const { chromium } = require('playwright-core')
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8')
const WAIT = { timeout: 15000 }

function expect(isTrue, words) {
  if (!isTrue) throw new Error(words)
}

/** Tab until the element with this role and name has the focus. */
async function tabTo(page, role, name, most = 80) {
  const wanted = page.getByRole(role, { name, exact: true }).first()
  await wanted.waitFor(WAIT)
  for (let i = 0; i < most; i++) {
    if (await wanted.evaluate((element) => element === document.activeElement)) return
    await page.keyboard.press('Tab')
  }
  throw new Error(`Tab does not reach the ${role} ${name}`)
}

async function press(page, role, name) {
  await tabTo(page, role, name)
  await page.keyboard.press('Enter')
}

async function logIn(page) {
  await page.goto(given.url)
  await page.getByLabel('User name').waitFor(WAIT)
  await page.keyboard.type(given.user)
  await page.keyboard.press('Tab')
  await page.keyboard.type(given.password)
  await page.keyboard.press('Enter')
  await page.getByText('Connected', { exact: true }).waitFor(WAIT)
}

/** Findings of axe that are serious or worse, as words. */
async function findings(page) {
  await page.evaluate(axe)
  const result = await page.evaluate(() => axe.run(document, { resultTypes: ['violations'] }))
  return result.violations
    .filter((one) => one.impact === 'serious' || one.impact === 'critical')
    .map((one) => `${page.url()} ${one.id}: ${one.help} (${one.nodes[0]?.html})`)
}

const deeds = {
  /** Ten previews, finished by keyboard; what is typed goes into the records. */
  async work(page) {
    await logIn(page)
    const phones = []
    for (let i = 0; i < given.count; i++) {
      await press(page, 'button', 'Next record')
      const record = page.getByRole('region', { name: /^Record / })
      await record.waitFor(WAIT)
      phones.push((await record.getByRole('heading').textContent()) ?? '')
      await tabTo(page, 'textbox', 'Other1')
      await page.keyboard.press('Control+A')
      await page.keyboard.type(`worked ${i}`)
      await page.keyboard.press('Control+Enter')
      await page.getByText(/finished, Answer\./).waitFor(WAIT)
      await record.waitFor({ ...WAIT, state: 'detached' })
    }
    const bad = await findings(page)
    expect(bad.length === 0, bad.join('\n'))
    return { phones }
  },

  /** The administrator starts a campaign, finds a notification in the ledger, looks at it and sends it again. */
  async replay(page) {
    await logIn(page)
    await press(page, 'link', 'Notifications')
    await page.getByRole('row').nth(1).getByText('sent').waitFor(WAIT)
    const link = page.getByRole('table').getByRole('link').first()
    const name = (await link.textContent()) ?? ''
    await press(page, 'link', name)
    await page.getByText('"GSW_MESSAGE": "ContactProcessed"').waitFor(WAIT)
    const body = await page.locator('pre').last().textContent()
    await press(page, 'button', 'Replay')
    await page.getByText('It waits to be sent again.').waitFor(WAIT)
    return { guid: JSON.parse(body ?? '{}').GSW_MESSAGE_GUID }
  },

  /** Orders to a campaign group by keyboard. */
  async orders(page) {
    await logIn(page)
    await press(page, 'link', 'Campaigns')
    await press(page, 'button', `Load ${given.group}`)
    await page.getByText('CampaignLoaded').waitFor(WAIT)
    await press(page, 'button', `Start ${given.group}`)
    await page.getByText('CampaignStarted').waitFor(WAIT)
    return {}
  },

  /** The administrator changes a person by the form, sees the plan before it is applied, and takes the revision back. */
  async configure(page) {
    await logIn(page)
    await press(page, 'link', 'Objects')
    await press(page, 'link', 'Person')
    await press(page, 'link', given.person)
    await tabTo(page, 'textbox', 'lastName')
    await page.keyboard.press('Control+A')
    await page.keyboard.type('Lovelace')
    const plan = page.getByRole('region', { name: 'Plan', exact: true })
    await plan.getByText('"Lovelace"').waitFor(WAIT)
    await tabTo(page, 'textbox', 'Comment for the history')
    await page.keyboard.type('her own name')
    await press(page, 'button', 'Apply')
    await page.getByText(/^Revision \d+\./).waitFor(WAIT)
    await plan.getByText('Nothing.').waitFor(WAIT)
    await press(page, 'link', 'What became of it')
    await page.getByText('her own name').waitFor(WAIT)
    const undo = page.getByRole('button', { name: /^Undo revision/ }).first()
    await press(page, 'button', await undo.getAttribute('aria-label'))
    await press(page, 'button', 'Carry out')
    await page.getByText(/takes back revision/).waitFor(WAIT)
    const bad = await findings(page)
    expect(bad.length === 0, bad.join('\n'))
    return {}
  },

  /** Permissions of one object: an account may read it; what that means is told. */
  async permit(page) {
    await logIn(page)
    await page.goto(`${given.url}#/objects/Person`)
    await press(page, 'link', given.person)
    await tabTo(page, 'textbox', 'Account, person:ID or group:NAME')
    await page.keyboard.type(given.account)
    await press(page, 'button', 'Add account')
    await press(page, 'button', 'Apply permissions')
    await page.getByRole('region', { name: 'Permissions' }).getByText(/^Revision \d+\./).waitFor(WAIT)
    await tabTo(page, 'textbox', 'What may this account do? Empty: you')
    await page.keyboard.type(given.account)
    await press(page, 'button', 'Ask')
    await page.getByText(new RegExp(`^${given.account}: \\w*R`)).waitFor(WAIT)
    return {}
  },

  /** A configuration file: its plan, then its application. */
  async apply(page) {
    await logIn(page)
    await page.goto(`${given.url}#/apply`)
    await tabTo(page, 'textbox', 'File, JSON with comments')
    await page.keyboard.insertText(given.text)
    await press(page, 'button', 'Plan')
    await page.getByRole('table').getByText(given.creates).first().waitFor(WAIT)
    await press(page, 'button', 'Apply')
    await page.getByText(/^Revision \d+: 1 created/).waitFor(WAIT)
    return {}
  },

  /** An application's figures; orders to it: it stops, is seen to be stopped, and starts. */
  async control(page) {
    await logIn(page)
    await press(page, 'link', 'Applications')
    await press(page, 'link', given.application)
    await page.getByRole('button', { name: 'Stop gracefully' }).waitFor(WAIT) // the list has states, too
    await page.getByText('RUNNING', { exact: true }).waitFor(WAIT)
    await press(page, 'link', 'Its figures as they grow')
    await tabTo(page, 'textbox', 'Figures that contain')
    await page.keyboard.type('http_requests')
    await page.getByRole('cell', { name: 'http_requests_total', exact: true }).waitFor(WAIT)
    expect((await page.getByRole('region', { name: 'Figures' }).getByRole('row').count()) === 2, 'one figure is left')
    await page.getByRole('region', { name: 'Processes' }).getByRole('cell', { name: given.application, exact: true }).waitFor(WAIT)
    await press(page, 'link', 'Applications')
    await press(page, 'link', given.application)
    await press(page, 'button', 'Stop gracefully')
    await page.getByText('STOPPED', { exact: true }).waitFor({ timeout: 30000 })
    await press(page, 'button', 'Start')
    await page.getByText('RUNNING', { exact: true }).waitFor({ timeout: 30000 })
    await press(page, 'link', 'Its log')
    await page.getByRole('table').getByText('00-05061').first().waitFor(WAIT)
    return {}
  },

  /** Every page: nothing that a list or a customer carries runs, and axe has no serious findings. */
  async pages(page) {
    const requests = []
    page.on('request', (request) => requests.push(request.url()))
    page.on('dialog', (dialog) => dialog.dismiss())
    await logIn(page)
    const bad = []
    const texts = {}
    for (const path of given.paths) {
      await page.goto(`${given.url}#/${path}`)
      await page.getByRole('heading', { level: 1 }).waitFor(WAIT)
      await page.waitForTimeout(700)
      texts[path] = await page.locator('main').innerText()
      bad.push(...(await findings(page)))
      expect(!(await page.evaluate(() => window.attacked)), `a script ran on ${path}`)
      expect((await page.locator('main img, main script, main iframe').count()) === 0, `foreign elements on ${path}`)
    }
    expect(bad.length === 0, bad.join('\n'))
    const foreign = requests.filter((url) => !url.startsWith(given.url) && !url.startsWith(given.url.replace('http', 'ws')))
    expect(foreign.length === 0, `requests to foreign hosts: ${foreign}`)
    return { texts }
  },

  /** A session that ends while the connection is lost leads back to the log-in. */
  async expired(page) {
    await logIn(page)
    await page.context().clearCookies()
    console.error('ready')
    await page.getByLabel('User name').waitFor({ timeout: 60000 })
    return {}
  },

  /** The desktop goes on after its server was away. */
  async resume(page) {
    await logIn(page)
    await press(page, 'button', 'Next record')
    await page.getByRole('region', { name: /^Record / }).waitFor(WAIT)
    console.error('ready')
    await page.getByText('Connecting again…').waitFor({ timeout: 30000 })
    await page.getByText('Connected', { exact: true }).waitFor({ timeout: 60000 })
    await page.getByRole('region', { name: /^Record / }).waitFor(WAIT)
    await tabTo(page, 'textbox', 'Other1')
    await page.keyboard.press('Control+Enter')
    await page.getByText(/finished, Answer\./).waitFor({ timeout: 60000 })
    return {}
  },
}

const browser = await chromium.launch({ executablePath: given.chromium, args: ['--no-sandbox', '--disable-dev-shm-usage'] })
try {
  const page = await browser.newPage()
  page.setDefaultTimeout(WAIT.timeout)
  console.log(JSON.stringify(await deeds[process.argv[2]](page)))
} catch (error) {
  const page = browser.contexts()[0]?.pages()[0]
  console.error(error.message, '\n--- the page:\n', page ? await page.locator('body').innerText().catch(() => '') : '')
  process.exitCode = 1
} finally {
  await browser.close()
}
