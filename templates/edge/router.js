// CloudFront Function (runtime cloudfront-js-2.0) for viewer requests: which slot answers this viewer.
// The route is the value of the key `route` in the KeyValueStore that the function is associated with.
import cf from 'cloudfront';
import crypto from 'crypto';

const COOKIE = 'pave_bucket';

// The viewer's place in 0..9999: the first 32 bits of SHA-256 over salt, a colon and the viewer's id. It does not
// depend on the weight, so a viewer whose place is below it stays below it while it grows.
function place(salt, viewer) {
    const hash = crypto.createHash('sha256').update(salt + ':' + viewer).digest('hex');
    return parseInt(hash.slice(0, 8), 16) % 10000;
}

// The slot, its host and the arm of a viewer; null where not even stable has a host.
function assign(route, viewer) {
    if (route.stable !== 'blue' && route.stable !== 'green') return null;
    const other = route.stable === 'blue' ? 'green' : 'blue';
    const weight = Number.isInteger(route.weight) && route.weight >= 0 && route.weight <= 10000 ? route.weight : 0;
    if (route[other] && place(route.salt || '', viewer) < weight) {
        return { slot: other, host: route[other], arm: 'canary' };
    }
    return route[route.stable] ? { slot: route.stable, host: route[route.stable], arm: 'stable' } : null;
}

async function handler(event) {
    const request = event.request;
    const cookie = request.cookies[COOKIE];
    // A viewer without the cookie is placed at random, and the viewer-response function sends it the cookie.
    const viewer = cookie ? cookie.value : event.context.requestId;
    request.headers['x-pave-bucket'] = { value: viewer };
    try {
        const route = JSON.parse(await cf.kvs().get('route'));
        const to = assign(route, viewer);
        if (to) {
            cf.updateRequestOrigin({ domainName: to.host });
            request.headers['x-pave-arm'] = { value: to.arm };
        }
    } catch (error) {
        // The distribution's own origin is the stable slot: whatever is wrong here, viewers are served.
        console.log('route: ' + error);
    }
    return request;
}
