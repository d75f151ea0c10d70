// SPDX-License-Identifier: Apache-2.0
// node scxml_scion.cjs FOLDER-WITH-NODE_MODULES FILE SECONDS: how often npm's SCION enters the state `mark` of a chart that goes
// round for ever: CPU time, after a first second. Prints one JSON object.
"use strict";
const fs = require("fs");
const path = require("path");
const scxml = require(path.resolve(process.argv[2], "node_modules/@scion-scxml/scxml"));
const seconds = Number(process.argv[4]);

function cpuSeconds() {
    const used = process.cpuUsage();
    return (used.user + used.system) / 1e6;
}

function run(factory) {
    const machine = new scxml.core.Statechart(factory);
    let entries = 0;
    let lookAt = 0;
    let began = cpuSeconds();
    let isWarm = false;
    machine.registerListener({
        onEntry: (state) => {
            if (state !== "mark") return;
            entries += 1;
            if (entries <= lookAt) return;
            const spent = cpuSeconds() - began;
            lookAt = spent * 100 < seconds ? entries * 2 : entries + Math.floor(entries / 50);
            if (!isWarm && spent >= Math.min(1, seconds)) {
                [isWarm, entries, lookAt, began] = [true, 0, 0, cpuSeconds()];
            } else if (isWarm && spent >= seconds) {
                fs.writeSync(1, JSON.stringify({ entries, cpu_s: spent }) + "\n");
                process.exit(0);
            }
        },
    });
    machine.start();
}

scxml.documentStringToModel("chart.scxml", fs.readFileSync(process.argv[3], "utf8"), (error, model) => {
    if (error) throw error;
    model.prepare((problem, factory) => {
        if (problem) throw problem;
        run(factory);
    });
});
