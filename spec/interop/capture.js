'use strict';
// A plain HTTP server that answers every call with success and prints what came, one line of JSON per request, its
// query and form taken apart by the platform's own URLSearchParams. The first line is its port.

const http = require('http');

const REPLY = { RequestId: 'captured', Success: true, MessageId: '1', MsgId: '1', message_id: '1' };

const print = (value) => process.stdout.write(JSON.stringify(value) + '\n');

function headersOf(request) {
  const headers = [];
  for (let at = 0; at < request.rawHeaders.length; at += 2) {
    headers.push([request.rawHeaders[at].toLowerCase(), request.rawHeaders[at + 1]]);
  }
  return headers;
}

const server = http.createServer({ maxHeaderSize: 1 << 20 }, (request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    const body = Buffer.concat(chunks).toString('utf8');
    const isJson = /^application\/json/i.test(request.headers['content-type']);
    const url = new URL(request.url, 'http://captured');
    print({
      method: request.method,
      path: url.pathname,
      query: [...url.searchParams],
      form: isJson ? [] : [...new URLSearchParams(body)],
      headers: headersOf(request),
      body,
    });
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(REPLY));
  });
});

server.listen(0, '127.0.0.1', () => print(server.address().port));
