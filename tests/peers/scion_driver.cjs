// SPDX-License-Identifier: Apache-2.0
// Runs charts on npm's SCION, with a clock of its own: node scion_driver.cjs FOLDER-WITH-NODE_MODULES
// In:  a line a chart, {"xml":"...","inputs":[{"name":"a","data":{"n":1}},{"after":50}]}
// Out: a line each, {"steps":[{"configuration":["s1"],"log":["+s1"]}],"final":"s9" or null} or {"refused":"why"}
"use strict";
const path = require("path");
const readline = require("readline");

const clock = { now: 0, sequence: 0, timers: new Map() };
global.setTimeout = (deed, delay) => {
    clock.sequence += 1;
    clock.timers.set(clock.sequence, { due: clock.now + (delay || 0), deed });
    return clock.sequence;
};
global.clearTimeout = (id) => clock.timers.delete(id);

function dueTimer(end) {
    let first = null;
    for (const [id, timer] of clock.timers)
        if (timer.due <= end && (first === null || timer.due < clock.timers.get(first).due)) first = id;
    return first;
}

function letPass(milliseconds) {
    const end = clock.now + milliseconds;
    for (let id = dueTimer(end); id !== null; id = dueTimer(end)) {
        const timer = clock.timers.get(id);
        clock.timers.delete(id);
        clock.now = timer.due;
        timer.deed();
    }
    clock.now = end;
}

const scxml = require(path.resolve(process.argv[2], "node_modules/@scion-scxml/scxml"));

function factoryOf(xml) {
    return new Promise((resolve, reject) => {
        const done = (error, result) => (error ? reject(new Error(String(error))) : resolve(result));
        scxml.documentStringToModel("chart.scxml", xml, (error, model) => (error ? done(error) : model.prepare(done)));
    });
}

async function run(chart) {
    const steps = [];
    let step = null;
    const log = (label, ...value) => step.log.push([label, ...value.map(String)].join(" "));
    const machine = new scxml.core.Statechart(await factoryOf(chart.xml), { console: { log } });
    const take = (deed) => {
        step = { configuration: [], log: [] };
        steps.push(step);
        deed();
        letPass(0);
        step.configuration = machine.getConfiguration().sort();
    };
    take(() => machine.start());
    for (const input of chart.inputs) {
        if (machine.isFinal()) break;
        take(() => ("after" in input ? letPass(input.after) : machine.gen({ name: input.name, data: input.data })));
    }
    return { steps, final: machine.isFinal() ? steps[steps.length - 1].configuration.join(" ") : null };
}

async function main() {
    for await (const line of readline.createInterface({ input: process.stdin })) {
        clock.timers.clear();
        let told;
        try {
            told = await run(JSON.parse(line));
        } catch (problem) {
            told = { refused: String(problem && problem.message) };
        }
        process.stdout.write(JSON.stringify(told) + "\n");
    }
}

main();
