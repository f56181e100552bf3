//! What a connection costs the process that holds it: memory of the fleet's own link and of rumqttc's event
//! loop, against a listener in another process that answers CONNECT and SUBSCRIBE.
//!
//! `cargo run --release -p load-tests --example connections -- link 10000`
//! `cargo run --release -p load-tests --example connections -- rumqttc 10000`
#![expect(clippy::print_stdout, reason = "its answer")]

use std::{
    error::Error,
    fs,
    io::{BufRead, BufReader},
    net::SocketAddr,
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};

use bytes::BytesMut;
use load_tests::link::{Hello, Link};
use rumqttc::{
    AsyncClient, Event, MqttOptions,
    mqttbytes::{
        Error as PacketError, QoS,
        v4::{ConnAck, ConnectReturnCode, Packet, SubAck, SubscribeReasonCode},
    },
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::JoinSet,
};

type Outcome = Result<(), Box<dyn Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Outcome {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    rlimit::increase_nofile_limit(u64::MAX)?;
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["listen"] => listen().await,
        [way @ ("link" | "rumqttc"), count] => measure(way, count.parse()?).await,
        _ => Err("say: link COUNT, or rumqttc COUNT".into()),
    }
}

async fn measure(way: &str, count: usize) -> Outcome {
    let mut listener = Command::new(std::env::current_exe()?).arg("listen").stdout(Stdio::piped()).spawn()?;
    let mut address = String::new();
    if let Some(out) = listener.stdout.take() {
        BufReader::new(out).read_line(&mut address)?;
    }
    let address: SocketAddr = address.trim().parse()?;
    let before = resident()?;
    let (mut held, connected) = (JoinSet::new(), Arc::new(Semaphore::new(0)));
    let gate = Arc::new(Semaphore::new(256));
    for number in 0..count {
        let (gate, connected) = (Arc::clone(&gate), Arc::clone(&connected));
        match way {
            "link" => held.spawn(hold_link(address, number, gate, connected)),
            _ => held.spawn(hold_event_loop(address, number, gate, connected)),
        };
    }
    let all = connected.acquire_many(u32::try_from(count)?);
    tokio::select! {
        all = all => drop(all?),
        ended = held.join_next() => return Err(format!("a connection ended: {ended:?}").into()),
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let each = (resident()? - before) / count;
    println!("{way}: {count} connections, {each} bytes each, task included");
    listener.kill()?;
    listener.wait()?;
    Ok(())
}

async fn hold_link(
    at: SocketAddr,
    number: usize,
    gate: Arc<Semaphore>,
    connected: Arc<Semaphore>,
) -> Outcome {
    let client = format!("device-{number}");
    let turn = gate.acquire().await?;
    let hello = Hello {
        client: &client,
        will_topic: format!("sanak/1/e/1/{client}/state"),
        will: vec![0; 200],
        listen: ["receipt", "command"].map(|channel| format!("sanak/1/e/1/{client}/{channel}")).into(),
    };
    let mut link = Link::connect(at, None, hello).await?;
    drop(turn);
    connected.add_permits(1);
    loop {
        link.next().await?;
    }
}

async fn hold_event_loop(
    at: SocketAddr,
    number: usize,
    gate: Arc<Semaphore>,
    connected: Arc<Semaphore>,
) -> Outcome {
    let client = format!("device-{number}");
    let turn = gate.acquire().await?;
    let mut options = MqttOptions::new(&client, at.ip().to_string(), at.port());
    options.set_inflight(16).set_keep_alive(Duration::from_secs(120));
    let (sender, mut events) = AsyncClient::new(options, 4);
    events.poll().await?;
    sender.subscribe(format!("sanak/1/e/1/{client}/+"), QoS::AtLeastOnce).await?;
    let mut turn = Some(turn);
    loop {
        if let Event::Incoming(Packet::SubAck(_)) = events.poll().await? {
            turn.take();
            connected.add_permits(1);
        }
    }
}

async fn listen() -> Outcome {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    loop {
        tokio::spawn(answer(listener.accept().await?.0));
    }
}

async fn answer(mut stream: TcpStream) -> Outcome {
    let mut bytes = BytesMut::new();
    loop {
        let answer = match Packet::read(&mut bytes, 1 << 20) {
            Err(PacketError::InsufficientBytes(_)) => {
                if stream.read_buf(&mut bytes).await? == 0 {
                    return Ok(());
                }
                continue;
            }
            Err(error) => return Err(format!("{error:?}").into()),
            Ok(Packet::Connect(_)) => Packet::ConnAck(ConnAck::new(ConnectReturnCode::Success, false)),
            Ok(Packet::Subscribe(of)) => {
                let granted = vec![SubscribeReasonCode::Success(QoS::AtLeastOnce); of.filters.len()];
                Packet::SubAck(SubAck::new(of.pkid, granted))
            }
            Ok(Packet::PingReq) => Packet::PingResp,
            Ok(_) => continue,
        };
        let mut out = BytesMut::new();
        answer.write(&mut out, 1 << 20).map_err(|error| format!("{error:?}"))?;
        stream.write_all(&out).await?;
    }
}

/// Resident memory of this process, bytes.
fn resident() -> Result<usize, Box<dyn Error + Send + Sync>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).ok_or("no VmRSS")?;
    let kilobytes: usize = line.split_whitespace().nth(1).ok_or("no VmRSS")?.parse()?;
    Ok(kilobytes * 1_024)
}
