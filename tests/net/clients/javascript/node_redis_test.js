// node-redis, told to speak RESP3, against the server at LARDER_PORT of 127.0.0.1. `../run node_redis` starts it.
'use strict';

const assert = require('node:assert/strict');
const {after, before, beforeEach, describe, it} = require('node:test');
const {createClient, RESP_TYPES, WatchError} = require('@redis/client');

const connections = [];

async function connect(options = {}) {
  const client = createClient({
    RESP: 3,
    unstableResp3: true,  // so XREAD and XREADGROUP reply what the server sends: its map
    socket: {host: '127.0.0.1', port: Number(process.env.LARDER_PORT), reconnectStrategy: false},
    ...options,
  });
  client.on('error', () => {});  // a command that fails tells it too
  connections.push(client);
  return client.connect();
}

// Replies without a prototype, and plain ones, are alike here.
const plain = (reply) => JSON.parse(JSON.stringify(reply));

// Until `count` clients wait in a blocking command.
async function untilBlocked(client, count) {
  while (!(await client.info('clients')).includes(`blocked_clients:${count}\r\n`));
}

describe('node-redis', () => {
  let r;

  before(async () => { r = await connect(); });
  beforeEach(async () => assert.equal(await r.flushAll(), 'OK'));
  after(() => connections.forEach((client) => client.destroy()));

  it('speaks RESP3', async () => {
    const hello = await r.hello();
    assert.equal(hello.proto, 3);
    assert.equal(hello.version, '7.0.15');
    assert.equal(await r.set('k', 'v'), 'OK');
    assert.equal(await r.get('nosuch'), null);
    const info = await r.clientInfo();
    assert.equal(info.resp, 3);
  });

  it('has lists', async () => {
    assert.equal(await r.rPush('l', ['a', 'b', 'c']), 3);
    assert.equal(await r.lPush('l', 'x'), 4);
    assert.deepEqual(await r.lRange('l', 0, -1), ['x', 'a', 'b', 'c']);
    assert.deepEqual(await r.lPosCount('l', 'a', 0), [1]);
    assert.equal(await r.lMove('l', 'to', 'LEFT', 'RIGHT'), 'x');
    assert.deepEqual(await r.lmPop(['nosuch', 'l'], 'RIGHT', {COUNT: 2}), ['l', ['c', 'b']]);
    assert.equal(await r.lmPop(['nosuch'], 'LEFT'), null);
    assert.deepEqual(await r.lPopCount('l', 9), ['a']);
    assert.equal(await r.lPopCount('l', 9), null);
    await assert.rejects(r.lSet('to', 5, 'x'), {message: 'ERR index out of range'});
  });

  it('has hashes', async () => {
    assert.equal(await r.hSet('h', {a: 1, b: 'two'}), 2);
    assert.deepEqual(plain(await r.hGetAll('h')), {a: '1', b: 'two'});
    const map = await r.withTypeMapping({[RESP_TYPES.MAP]: Map}).hGetAll('h');
    assert.deepEqual(map, new Map([['a', '1'], ['b', 'two']]));
    assert.deepEqual(await r.hmGet('h', ['b', 'nosuch']), ['two', null]);
    assert.equal(await r.hIncrBy('h', 'a', 41), 42);
    assert.deepEqual(plain(await r.hRandFieldCountWithValues('h', 5)),
                     [{field: 'a', value: '42'}, {field: 'b', value: 'two'}]);
    await r.hSet('large', Array.from({length: 1000}, (_, i) => [`field:${i}`, i]).flat().map(String));
    const seen = new Map();
    for await (const entries of r.hScanIterator('large', {COUNT: 50})) {
      for (const {field, value} of entries) seen.set(field, value);
    }
    assert.equal(seen.size, 1000);
    assert.equal(await r.hDel('h', ['a', 'b']), 2);
  });

  it('has sets', async () => {
    assert.equal(await r.sAdd('a', ['1', '2', '3']), 3);
    assert.equal(await r.sAdd('b', ['2', '3', 'four']), 3);
    const members = await r.withTypeMapping({[RESP_TYPES.SET]: Set}).sMembers('a');
    assert.deepEqual(members, new Set(['1', '2', '3']));
    assert.deepEqual((await r.sInter(['a', 'b'])).sort(), ['2', '3']);
    assert.deepEqual(await r.sDiff(['a', 'b']), ['1']);
    assert.equal(await r.sInterCard(['a', 'b'], {LIMIT: 1}), 1);
    assert.deepEqual(await r.smIsMember('a', ['1', 'x']), [1, 0]);
    assert.equal(await r.sUnionStore('u', ['a', 'b']), 4);
    assert.equal((await r.sPopCount('u', 9)).length, 4);
    await assert.rejects(r.lPush('a', 'x'), {message: /^WRONGTYPE /});
  });

  it('has sorted sets, whose scores are doubles', async () => {
    assert.equal(await r.zAdd('z', [{score: 1, value: 'a'}, {score: 2.5, value: 'b'}, {score: Infinity, value: 'c'}]), 3);
    assert.equal(await r.zScore('z', 'c'), Infinity);
    assert.deepEqual(await r.zmScore('z', ['b', 'nosuch']), [2.5, null]);
    assert.deepEqual(plain(await r.zRangeWithScores('z', 0, 1)), [{value: 'a', score: 1}, {value: 'b', score: 2.5}]);
    assert.deepEqual(await r.zRange('z', '(1', '+inf', {BY: 'SCORE', LIMIT: {offset: 0, count: 1}}), ['b']);
    assert.equal(await r.zRevRank('z', 'b'), 1);
    assert.equal(await r.zIncrBy('z', 0.25, 'a'), 1.25);
    assert.equal(await r.zUnionStore('u', [{key: 'z', weight: 2}]), 3);
    assert.deepEqual(plain(await r.zPopMinCount('u', 2)), [{value: 'a', score: 2.5}, {value: 'b', score: 5}]);
    assert.deepEqual({...await r.zPopMax('u')}, {value: 'c', score: Infinity});
    assert.equal(await r.zPopMax('u'), null);
    assert.deepEqual(plain(await r.zmPop(['u', 'z'], 'MIN')), {key: 'z', members: [{value: 'a', score: 1.25}]});
    assert.deepEqual(plain(await r.zDiffWithScores(['z', 'nosuch'])),
                     [{value: 'b', score: 2.5}, {value: 'c', score: null}]);  // JSON has no infinity
  });

  it('has streams with groups', async () => {
    const ids = [];
    for (let i = 0; i < 5; ++i) ids.push(await r.xAdd('s', '*', {i: String(i)}));
    assert.deepEqual(plain(await r.xRange('s', '-', '+', {COUNT: 1})), [{id: ids[0], message: {i: '0'}}]);
    assert.equal(await r.xGroupCreate('s', 'g', '0'), 'OK');
    const taken = await r.xReadGroup('g', 'alice', {key: 's', id: '>'}, {COUNT: 3});
    assert.deepEqual(plain(taken).s.map(([id]) => id), ids.slice(0, 3));
    assert.equal(await r.xAck('s', 'g', ids[0]), 1);
    assert.deepEqual(plain(await r.xPending('s', 'g')),
                     {pending: 2, firstId: ids[1], lastId: ids[2], consumers: [{name: 'alice', deliveriesCounter: 2}]});
    const [pending] = await r.xPendingRange('s', 'g', '-', '+', 1);
    assert.deepEqual([pending.id, pending.consumer, pending.deliveriesCounter], [ids[1], 'alice', 1]);
    assert.deepEqual(await r.xClaimJustId('s', 'g', 'bob', 0, ids[1]), [ids[1]]);
    const claimed = await r.xAutoClaim('s', 'g', 'bob', 0, '0');
    assert.deepEqual([claimed.nextId, claimed.messages.map(({id}) => id)], ['0-0', ids.slice(1, 3)]);
    const [group] = await r.xInfoGroups('s');
    assert.deepEqual([group.name, group.consumers, group.pending, group['entries-read'], group.lag], ['g', 2, 2, 3, 2]);
    const stream = await r.xInfoStream('s');
    assert.deepEqual([stream.length, stream['last-generated-id'], stream['first-entry'].id], [5, ids[4], ids[0]]);
    assert.equal(await r.xTrim('s', 'MAXLEN', 2), 3);
    assert.equal(await r.xRead({key: 'nosuch', id: '0'}), null);
  });

  it('waits in blocking commands', async () => {
    const waiter = await connect();
    const popped = waiter.blPop(['l1', 'l2'], 0);
    await untilBlocked(r, 1);
    assert.equal(await r.rPush('l2', ['x', 'y']), 2);
    assert.deepEqual(plain(await popped), {key: 'l2', element: 'x'});
    const several = waiter.blmPop(0, ['m'], 'LEFT', {COUNT: 5});
    await untilBlocked(r, 1);
    await r.rPush('m', ['1', '2']);
    assert.deepEqual(await several, ['m', ['1', '2']]);
    const least = waiter.bzPopMin('z', 0);
    await untilBlocked(r, 1);
    await r.zAdd('z', {score: 1.5, value: 'one'});
    assert.deepEqual(plain(await least), {key: 'z', value: 'one', score: 1.5});
    const read = waiter.xRead({key: 's', id: '$'}, {BLOCK: 0});
    await untilBlocked(r, 1);
    const id = await r.xAdd('s', '*', {f: 'v'});
    assert.deepEqual(plain(await read), {s: [[id, ['f', 'v']]]});
    assert.equal(await waiter.blPop('nosuch', 0.01), null);
    assert.equal(await waiter.bzPopMax('nosuch', 0.01), null);
    assert.equal(await waiter.blMove('nosuch', 'to', 'LEFT', 'LEFT', 0.01), null);
  });

  it('publishes and subscribes, and runs commands meanwhile', async () => {
    const subscriber = await connect();
    const messages = [];
    let resolve;
    const got = new Promise((r) => { resolve = r; });
    const add = (message, channel) => {
      messages.push([channel, message]);
      if (messages.length === 3) resolve();
    };
    await subscriber.subscribe(['news', 'other'], add);
    await subscriber.pSubscribe('n?ws', add);
    await subscriber.sSubscribe('shard', add);
    assert.equal(await subscriber.set('k', 'RESP3 allows it'), 'OK');
    assert.equal(await r.publish('news', 'hello'), 2);
    assert.equal(await r.sPublish('shard', 'one'), 1);
    await got;
    assert.deepEqual(messages, [['news', 'hello'], ['news', 'hello'], ['shard', 'one']]);
    assert.deepEqual((await r.pubSubChannels()).sort(), ['news', 'other']);
    assert.deepEqual(plain(await r.pubSubNumSub(['news', 'nosuch'])), {news: 1, nosuch: 0});
    assert.equal(await r.pubSubNumPat(), 1);
    // By name: without one, node-redis waits for a count of 0, which other subscriptions keep from coming.
    await subscriber.unsubscribe(['news', 'other']);
    await subscriber.pUnsubscribe('n?ws');
    await subscriber.sUnsubscribe('shard');
    assert.equal(await r.publish('news', 'nobody'), 0);
    assert.equal(await subscriber.get('k'), 'RESP3 allows it');
  });

  it('has pipelines and transactions', async () => {
    // What is asked in one turn goes out together.
    const replies = await Promise.all(Array.from({length: 1000}, (_, i) => r.rPush('l', String(i))));
    assert.deepEqual(replies, Array.from({length: 1000}, (_, i) => i + 1));
    assert.deepEqual(await r.multi().lPush('p', 'a').lRange('p', 0, -1).execAsPipeline(), [1, ['a']]);
    const results = await r.multi().set('k', 1).incr('k').hSet('h', 'f', 'v').hGetAll('h').zAdd('z', {score: 0.5, value: 'm'})
        .zScore('z', 'm').exec();
    assert.deepEqual(plain(results), ['OK', 2, 1, {f: 'v'}, 1, 0.5]);
    await assert.rejects(r.multi().incr('h').get('k').execAsPipeline(), {message: /^WRONGTYPE /});
    const other = await connect();
    await other.watch('k');
    await r.set('k', 'changed');
    await assert.rejects(other.multi().get('k').exec(), WatchError);
  });
});
