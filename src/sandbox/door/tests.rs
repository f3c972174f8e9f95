//! The limits of a connection, with short ones and a service that answers what it was sent.

use http_body_util::{BodyExt as _, Full};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    time::{Instant, timeout},
};

use super::*;

const SHORT: Limits =
    Limits { connections: 2, idle: Duration::from_millis(300), body: Duration::from_millis(300), rate: 1000 };

/// Longest wait for what has to come.
const PATIENCE: Duration = Duration::from_secs(20);

async fn door() -> (std::net::SocketAddr, watch::Sender<bool>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let address = listener.local_addr().expect("an address");
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(serve(listener, SHORT, stopped, |request: Request<Timely<Incoming>>, _| async move {
        if request.uri().path() == "/long" {
            tokio::time::sleep(SHORT.idle * 3).await;
        }
        if request.uri().path() == "/refused" {
            return Response::builder().status(404).body(Full::default()).map_err(io::Error::other);
        }
        let status = match request.into_body().collect().await {
            Ok(_) => 200,
            Err(error) if is_too_slow(error.as_ref()) => 408,
            Err(_) => 400,
        };
        Response::builder().status(status).body(Full::new(Bytes::from("told"))).map_err(io::Error::other)
    }));
    (address, stop)
}

/// What comes until the connection is closed by the other side.
async fn rest(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    // A reset is an end as well.
    let _ = timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("it is closed in time");
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn whoever_sends_no_whole_head_loses_the_connection() {
    let (address, _stop) = door().await;
    for start in
        ["", "P", "PRI * HTTP/2.0\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "GET / HTTP/1.1\r\nhost: loc"]
    {
        let mut stream = TcpStream::connect(address).await.expect("connects");
        stream.write_all(start.as_bytes()).await.expect("writes");
        let begun = Instant::now();
        let answer = rest(stream).await;
        assert!(!answer.contains("200 OK"), "{start:?} is answered: {answer}");
        assert!(begun.elapsed() >= SHORT.idle / 2, "{start:?} is waited for");
    }
}

#[tokio::test]
async fn a_head_that_drips_is_not_waited_for() {
    let (address, _stop) = door().await;
    let mut stream = TcpStream::connect(address).await.expect("connects");
    let dripping = async {
        loop {
            if stream.write_all(b"G").await.is_err() {
                return;
            }
            tokio::time::sleep(SHORT.idle / 10).await;
        }
    };
    timeout(PATIENCE, dripping).await.expect("it is closed in time");
}

#[tokio::test]
async fn a_body_that_stops_or_drips_is_refused() {
    let (address, _stop) = door().await;
    let head = b"PUT / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\nconnection: close\r\n\r\nstart";
    let mut stream = TcpStream::connect(address).await.expect("connects");
    stream.write_all(head).await.expect("writes");
    assert!(rest(stream).await.starts_with("HTTP/1.1 408"));
    let (mut reader, mut writer) = TcpStream::connect(address).await.expect("connects").into_split();
    writer.write_all(head).await.expect("writes");
    let drips = tokio::spawn(async move {
        while writer.write_all(b".").await.is_ok() {
            tokio::time::sleep(SHORT.body / 20).await
        }
    });
    let mut start = [0; 12];
    timeout(PATIENCE, reader.read_exact(&mut start)).await.expect("in time").expect("answers");
    assert_eq!(&start, b"HTTP/1.1 408");
    drips.abort();
}

#[tokio::test]
async fn a_long_answer_is_waited_for_and_a_large_body_has_its_time() {
    let (address, _stop) = door().await;
    let mut stream = TcpStream::connect(address).await.expect("connects");
    stream
        .write_all(b"GET /long HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        .await
        .expect("writes");
    assert!(rest(stream).await.starts_with("HTTP/1.1 200"));
    let mut stream = TcpStream::connect(address).await.expect("connects");
    let head = "PUT / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 5000\r\nconnection: close\r\n\r\n";
    stream.write_all(head.as_bytes()).await.expect("writes");
    // Twice the time that an empty body has.
    for _ in 0..5 {
        stream.write_all(&[b'.'; 1000]).await.expect("writes");
        tokio::time::sleep(SHORT.body * 2 / 5).await;
    }
    assert!(rest(stream).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn whoever_comes_when_all_places_are_taken_is_served_when_one_is_free() {
    let (address, _stop) = door().await;
    let mut silent = Vec::new();
    for _ in 0..SHORT.connections * 3 {
        silent.push(TcpStream::connect(address).await.expect("connects"));
    }
    let mut stream = TcpStream::connect(address).await.expect("connects");
    stream
        .write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        .await
        .expect("writes");
    assert!(rest(stream).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn whoever_is_refused_before_it_sends_its_body_is_told_to_close() {
    let (address, _stop) = door().await;
    for length in [0, 3] {
        let mut stream = TcpStream::connect(address).await.expect("connects");
        let head = format!(
            "PUT /refused HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\ncontent-length: {length}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.expect("writes");
        let answer = rest(stream).await;
        assert!(answer.starts_with("HTTP/1.1 404") && answer.contains("connection: close"), "{answer}");
    }
}

#[tokio::test]
async fn a_connection_goes_on_where_all_of_a_body_was_read_and_nowhere_else() {
    let (address, _stop) = door().await;
    let mut stream = TcpStream::connect(address).await.expect("connects");
    let one = "PUT / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 3\r\n\r\nabc";
    let last = "GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    stream.write_all(format!("{one}{one}{last}").as_bytes()).await.expect("writes");
    let answers = rest(stream).await;
    assert_eq!(answers.matches("HTTP/1.1 200").count(), 3, "{answers}");
    assert_eq!(answers.matches("connection: close").count(), 1, "{answers}");
    let mut stream = TcpStream::connect(address).await.expect("connects");
    stream.write_all(one.replace("PUT / ", "PUT /refused ").as_bytes()).await.expect("writes");
    let answer = rest(stream).await;
    assert!(answer.starts_with("HTTP/1.1 404") && answer.contains("connection: close"), "{answer}");
}
